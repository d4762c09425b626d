-- Purpose: give up the alerts that were tried for too long. Parameters: days.
-- Rows: one an alert: id, event, task, attempts, last_answer. Locks: the rows.
UPDATE {analytics}.analytics_snapshot_alerts
SET state = 'given up', settled_at = clock_timestamp()
WHERE
    state = 'waiting' AND attempts > 0
    AND created_at < clock_timestamp() - make_interval(days => %(days)s)
RETURNING id, event, task, attempts, last_answer
