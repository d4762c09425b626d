-- name: insert_run
-- Purpose: keep the record of a run. Parameters: task, run_id, outcome, started_at, report.
-- Rows: one: the moment of the record. Locks: the new row.
INSERT INTO {analytics}.analytics_snapshot_runs (
    task, run_id, outcome, started_at, finished_at, report
)
VALUES (
    %(task)s, %(run_id)s, %(outcome)s, %(started_at)s, clock_timestamp(), %(report)s::jsonb
)
RETURNING finished_at;


-- name: count_records
-- Purpose: how often a run has been recorded since a moment. Parameters: task, run_id, since.
-- Rows: one. Locks: none.
SELECT count(*) AS records
FROM {analytics}.analytics_snapshot_runs
WHERE task = %(task)s AND run_id = %(run_id)s AND finished_at >= %(since)s;
