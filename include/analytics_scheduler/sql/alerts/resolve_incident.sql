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
RETURNING id, event, created_at
