-- name: read_first_migration
-- Purpose: when the package came to this database: no run is owed from before.
-- Rows: one: the moment. Locks: none.
SELECT min(applied_at) AS since
FROM {analytics}.analytics_snapshot_migrations;


-- name: list_last_successes
-- Purpose: the newest success of each task: of snapshots the one of the latest day, whatever was
-- filled in after it. A retention that ran out of time did its share, and counts.
-- Rows: one a task that ever succeeded: task, finished_at, last_day (NULL: not a snapshot).
-- Locks: none.
SELECT DISTINCT ON (task)
    task,
    finished_at,
    (report ->> 'last_day')::date AS last_day
FROM {analytics}.analytics_snapshot_runs
WHERE outcome = 'success' OR (outcome = 'partial' AND task = 'snapshot-retention')
ORDER BY task ASC, (report ->> 'last_day')::date DESC NULLS LAST, finished_at DESC;
