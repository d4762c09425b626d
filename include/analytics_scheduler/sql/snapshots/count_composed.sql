-- Purpose: how many composed snapshots stand how. Rows: one a period and status.
SELECT
    period_type,
    status,
    snapshot_id IS NOT NULL AS has_row,
    count(*) AS snapshots
FROM composed_snapshots
GROUP BY period_type, status, has_row
