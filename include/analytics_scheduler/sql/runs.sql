-- name: is_run_recorded
-- Purpose: find out whether a run has a record that is not older than a moment.
-- Parameters: task, run_id, since.
-- Rows: one: true or false.
SELECT count(*) > 0 AS is_recorded
FROM {analytics}.analytics_snapshot_runs
WHERE task = %(task)s AND run_id = %(run_id)s AND finished_at >= %(since)s;


-- name: insert_run
-- Purpose: store the record of a finished run.
-- Parameters: task, run_id, outcome, started_at; report (JSON).
-- Rows: one: when the run finished, by the database's clock.
-- Locks: the new row.
INSERT INTO {analytics}.analytics_snapshot_runs (
    task, run_id, outcome, started_at, finished_at, report
)
VALUES (
    %(task)s, %(run_id)s, %(outcome)s, %(started_at)s, clock_timestamp(), %(report)s::jsonb
)
RETURNING finished_at;
