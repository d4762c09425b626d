-- name: begin_alerts
-- Purpose: limit how long this transaction waits for a lock, and read the clock that dates alerts.
-- Parameters: lock_timeout (milliseconds, as text).
-- Rows: one: the time by the database's clock.
SELECT
    clock_timestamp() AS now,
    set_config('lock_timeout', %(lock_timeout)s, TRUE) AS lock_timeout;


-- name: insert_alert
-- Purpose: store an alert. If the task has an open incident, an alert that would open another one
-- is dropped, and the incident lasts until its last missing day or that of the alert, the later.
-- Parameters: id, event, task, body, created_at, state, opens_incident; last_day (the last day
-- that is missing, or NULL).
-- Locks: the new row, or the row that opened the incident.
INSERT INTO {analytics}.analytics_snapshot_alerts AS a (
    id, event, task, body, created_at, state, opens_incident, last_day
)
VALUES (
    %(id)s, %(event)s, %(task)s, %(body)s, %(created_at)s, %(state)s, %(opens_incident)s,
    %(last_day)s
)
ON CONFLICT (task) WHERE opens_incident AND resolved_at IS NULL
DO UPDATE SET last_day = greatest(a.last_day, excluded.last_day);


-- name: close_incident
-- Purpose: close the open incident of a task, if a success covers the days that were missing and
-- is not older than the incident.
-- Parameters: task, succeeded_at; last_day (the last day that the success wrote, or NULL).
-- Rows: one if an incident was closed: id, event and time of the alert that opened it.
-- Locks: the row of that alert.
UPDATE {analytics}.analytics_snapshot_alerts
SET resolved_at = %(succeeded_at)s
WHERE
    task = %(task)s AND opens_incident AND resolved_at IS NULL
    AND created_at <= %(succeeded_at)s
    AND (last_day IS NULL OR %(last_day)s::date IS NULL OR last_day <= %(last_day)s::date)
RETURNING id, event, created_at;


-- name: give_up_alerts
-- Purpose: give up the waiting alerts that are too old. An alert is tried at least once first.
-- Parameters: days (the age).
-- Rows: one per alert: id, event, task, attempts, last_answer.
-- Locks: the rows.
UPDATE {analytics}.analytics_snapshot_alerts
SET state = 'given up', settled_at = clock_timestamp()
WHERE
    state = 'waiting' AND attempts > 0
    AND created_at < clock_timestamp() - make_interval(days => %(days)s)
RETURNING id, event, task, attempts, last_answer;


-- name: claim_alert
-- Purpose: claim the oldest alert that is due, for one attempt. The claim itself makes the alert
-- due again, after a pause that doubles with each attempt, so that an alert whose sender dies is
-- not lost. The exponent stops at 20, long after any pause is the longest, to prevent an overflow.
-- Parameters: first_pause, longest_pause (seconds).
-- Rows: one if an alert is due: id, event, body.
-- Locks: the row, during the statement; rows that another sender holds are skipped.
UPDATE {analytics}.analytics_snapshot_alerts AS a
SET
    attempts = a.attempts + 1,
    next_attempt_at = clock_timestamp() + make_interval(
        secs => least(%(first_pause)s * power(2, least(a.attempts, 20)), %(longest_pause)s)
    )
WHERE
    a.id = (
        SELECT w.id
        FROM {analytics}.analytics_snapshot_alerts AS w
        WHERE w.state = 'waiting' AND w.next_attempt_at <= clock_timestamp()
        ORDER BY w.created_at, w.id
        LIMIT 1
        FOR UPDATE SKIP LOCKED
    )
RETURNING a.id, a.event, a.body;


-- name: record_attempt
-- Purpose: store what an attempt came to; the alert is settled if it was delivered.
-- Parameters: id; answer (of the receiver, or why there is none); is_delivered.
-- Locks: the row.
UPDATE {analytics}.analytics_snapshot_alerts
SET
    last_answer = %(answer)s,
    state = CASE WHEN %(is_delivered)s THEN 'delivered' ELSE state END,
    settled_at = CASE WHEN %(is_delivered)s THEN clock_timestamp() ELSE settled_at END
WHERE id = %(id)s AND state = 'waiting';
