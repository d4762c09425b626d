-- Purpose: note what came of an attempt. Parameters: id, answer, is_delivered.
-- Locks: the row.
UPDATE {analytics}.analytics_snapshot_alerts
SET
    last_answer = %(answer)s,
    state = CASE WHEN %(is_delivered)s THEN 'delivered' ELSE state END,
    settled_at = CASE WHEN %(is_delivered)s THEN clock_timestamp() ELSE settled_at END
WHERE id = %(id)s AND state = 'waiting'
