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
RETURNING a.id = %(id)s AS is_new
