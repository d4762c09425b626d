-- Purpose: take the oldest alert that is due, for one attempt. It comes up again by itself, later
-- each time, unless it is settled: also where the sender is killed in between.
-- Parameters: first_pause and longest_pause (seconds).
-- Rows: one where an alert is due: id, event, body.
-- Locks: the row, for the statement only; those that another sender takes are passed over.
UPDATE {analytics}.analytics_snapshot_alerts AS a
SET
    attempts = a.attempts + 1,
    next_attempt_at = clock_timestamp() + make_interval(
        secs => least(%(first_pause)s * power(2, least(a.attempts, 20)), %(longest_pause)s)
    )
WHERE a.id = (
    SELECT w.id
    FROM {analytics}.analytics_snapshot_alerts AS w
    WHERE w.state = 'waiting' AND w.next_attempt_at <= clock_timestamp()
    ORDER BY w.created_at, w.id
    LIMIT 1
    FOR UPDATE SKIP LOCKED
)
RETURNING a.id, a.event, a.body
