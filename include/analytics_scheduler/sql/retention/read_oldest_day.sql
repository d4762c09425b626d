-- Purpose: the oldest day that has a daily snapshot. Parameters: from_day (or NULL: any day).
-- Rows: one; NULL where there is none. Locks: none but ACCESS SHARE.
SELECT min(period_end) AS oldest_day
FROM {analytics}.analytics_snapshots
WHERE
    period_type = 'daily'
    AND (%(from_day)s::date IS NULL OR period_end >= %(from_day)s::date)
