-- Purpose: how often a run has been recorded since a moment. Parameters: task, run_id, since.
-- Rows: one. Locks: none.
SELECT count(*) AS records
FROM {analytics}.analytics_snapshot_runs
WHERE task = %(task)s AND run_id = %(run_id)s AND finished_at >= %(since)s
