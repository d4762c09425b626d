-- Purpose: how many composed snapshots stand how.
-- Rows: one a period, status and whether it was asked for.
SELECT
    period_type,
    is_requested,
    status,
    snapshot_id IS NOT NULL AS has_row,
    count(*) AS snapshots
FROM composed_snapshots
GROUP BY period_type, is_requested, status, has_row
