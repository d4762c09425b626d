-- name: read_clock
-- Purpose: read the database's clock, so that a worker whose clock is ahead deletes nothing early.
-- Rows: one: the current time.
SELECT now() AS moment;


-- name: list_due_dates
-- Purpose: list the period ends whose snapshots are older than they are kept, oldest first.
-- Parameters: period_type; cutoff (the first period end that is kept).
-- Rows: one for each period end.
SELECT DISTINCT period_end
FROM {analytics}.analytics_snapshots
WHERE period_type = %(period_type)s AND period_end < %(cutoff)s
ORDER BY period_end;
