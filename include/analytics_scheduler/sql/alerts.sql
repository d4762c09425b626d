-- name: insert_alert
-- Purpose: put an alert into the outbox; a task's second trouble belongs to its open incident.
-- Parameters: id, event, task, body, created_at, state, opens_incident, last_day.
-- Rows: one: whether the alert is new. Locks: the new row, or the one that opened the incident.
INSERT INTO {analytics}.analytics_snapshot_alerts AS a (
    id, event, task, body, created_at, state, opens_incident, last_day
)
VALUES (
    %(id)s, %(event)s, %(task)s, %(body)s, %(created_at)s, %(state)s, %(opens_incident)s,
    %(last_day)s
)
ON CONFLICT (task) WHERE opens_incident AND resolved_at IS NULL
DO UPDATE SET last_day = greatest(a.last_day, excluded.last_day)
RETURNING a.id = %(id)s AS is_new;


-- name: resolve_incident
-- Purpose: end the open incident of a task, where a success stands for what was missing.
-- Parameters: task; succeeded_at; last_day (the last day that the success wrote, or NULL).
-- Rows: one where an incident ended: id and event of the alert that opened it, and when.
-- Locks: the row of that alert.
UPDATE {analytics}.analytics_snapshot_alerts
SET resolved_at = %(succeeded_at)s
WHERE
    task = %(task)s AND opens_incident AND resolved_at IS NULL
    AND created_at <= %(succeeded_at)s
    AND (last_day IS NULL OR %(last_day)s::date IS NULL OR last_day <= %(last_day)s::date)
RETURNING id, event, created_at;


-- name: give_up_alerts
-- Purpose: give up the alerts that were tried for too long. Parameters: days.
-- Rows: one an alert: id, event, task, attempts, last_answer. Locks: the rows.
UPDATE {analytics}.analytics_snapshot_alerts
SET state = 'given up', settled_at = clock_timestamp()
WHERE
    state = 'waiting' AND attempts > 0
    AND created_at < clock_timestamp() - make_interval(days => %(days)s)
RETURNING id, event, task, attempts, last_answer;


-- name: claim_alert
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
RETURNING a.id, a.event, a.body;


-- name: record_answer
-- Purpose: note what came of an attempt. Parameters: id, answer, is_delivered.
-- Locks: the row.
UPDATE {analytics}.analytics_snapshot_alerts
SET
    last_answer = %(answer)s,
    state = CASE WHEN %(is_delivered)s THEN 'delivered' ELSE state END,
    settled_at = CASE WHEN %(is_delivered)s THEN clock_timestamp() ELSE settled_at END
WHERE id = %(id)s AND state = 'waiting';
