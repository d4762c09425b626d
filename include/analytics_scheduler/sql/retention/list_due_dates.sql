-- Purpose: the period ends of which rows are over, oldest first.
-- Parameters: period_type; cutoff (the first day that is kept). Rows: one a date.
-- Locks: none but ACCESS SHARE.
SELECT DISTINCT period_end
FROM {analytics}.analytics_snapshots
WHERE period_type = %(period_type)s AND period_end < %(cutoff)s
ORDER BY period_end
