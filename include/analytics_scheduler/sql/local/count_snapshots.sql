-- Purpose: how many snapshots there are.
-- Parameters: none.
-- Rows: one for each kind of period, with its number of rows.
-- Locks: none.
SELECT
    period_type,
    count(*) AS row_count
FROM {analytics}.analytics_snapshots
GROUP BY period_type
ORDER BY strpos('daily weekly monthly', period_type)
