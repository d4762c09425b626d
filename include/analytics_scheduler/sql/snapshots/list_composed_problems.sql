-- Purpose: composed snapshots that could not be written whole. Rows: one a snapshot.
SELECT
    location_id,
    period_type,
    period_start,
    period_end,
    status,
    ratio_overflows,
    percentage_overflows
FROM composed_snapshots
WHERE
    status = 'overflow'
    OR status = 'incomplete' AND snapshot_id IS NULL
    OR status IN ('new', 'changed') AND (ratio_overflows OR percentage_overflows)
ORDER BY location_id, period_start
