-- Purpose: a part of other statements: the records of runs that are over, but never the last one
-- of a task that ended in one way.
-- Parameters: moment (records of runs that ended before it are over).
SELECT r.id
FROM {analytics}.analytics_snapshot_runs AS r
WHERE r.finished_at < %(moment)s AND EXISTS (
    SELECT FROM {analytics}.analytics_snapshot_runs AS n
    WHERE n.task = r.task AND n.outcome = r.outcome AND n.finished_at > r.finished_at
)
