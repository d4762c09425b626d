-- name: list_last_successes
-- Purpose: find the last success of each task. For snapshots it is the run of the latest day,
-- whatever older days were filled in after it. A retention run that ran out of time counts: the
-- next one continues where it stopped.
-- Rows: one per task that has ever succeeded: task, finished_at, last_day (NULL if the task writes
-- no snapshots).
SELECT DISTINCT ON (task)
    task,
    finished_at,
    (report ->> 'last_day')::date AS last_day
FROM {analytics}.analytics_snapshot_runs
WHERE outcome = 'success' OR (outcome = 'partial' AND task = 'snapshot-retention')
ORDER BY task ASC, (report ->> 'last_day')::date DESC NULLS LAST, finished_at DESC;


-- name: read_first_migration
-- Purpose: find when the package was installed in this database; no run is due from before.
-- Rows: one: the time of the first migration.
SELECT min(applied_at) AS since
FROM {analytics}.analytics_snapshot_migrations;
