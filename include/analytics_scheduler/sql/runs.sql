-- name: is_run_recorded
-- Purpose: find out whether a run has a record that is not older than a moment.
-- Parameters: task, run_id, since.
-- Rows: one: true or false.
SELECT count(*) > 0 AS is_recorded
FROM {analytics}.analytics_snapshot_runs
WHERE task = %(task)s AND run_id = %(run_id)s AND finished_at >= %(since)s;


-- name: store_run
-- Purpose: store the record of a finished run. Another attempt of the run, which Airflow makes if
-- the process of the first was killed, replaces its record.
-- Parameters: task, run_id, outcome, started_at; report (JSON); since (a record that is older is of
-- the same run before it was cleared, and stays).
-- Rows: one: when the run finished, by the database's clock, and the outcome of the record that was
-- replaced, or NULL.
-- Locks: the row written.
WITH known AS (
    SELECT
        id,
        outcome
    FROM {analytics}.analytics_snapshot_runs
    WHERE task = %(task)s AND run_id = %(run_id)s AND finished_at >= %(since)s
    ORDER BY id DESC
    LIMIT 1
),

replaced AS (
    UPDATE {analytics}.analytics_snapshot_runs AS r
    SET
        outcome = %(outcome)s,
        started_at = %(started_at)s,
        finished_at = clock_timestamp(),
        report = %(report)s::jsonb
    FROM known AS k
    WHERE r.id = k.id
    RETURNING r.finished_at, k.outcome AS replaced_outcome
),

added AS (
    INSERT INTO {analytics}.analytics_snapshot_runs (
        task, run_id, outcome, started_at, finished_at, report
    )
    SELECT
        %(task)s,
        %(run_id)s,
        %(outcome)s,
        %(started_at)s::timestamptz,
        clock_timestamp(),
        %(report)s::jsonb
    WHERE NOT EXISTS (SELECT FROM known)
    RETURNING finished_at
)

SELECT
    finished_at,
    replaced_outcome
FROM replaced
UNION ALL
SELECT
    finished_at,
    NULL AS replaced_outcome
FROM added;
