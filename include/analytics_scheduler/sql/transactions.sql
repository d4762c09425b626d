-- name: limit_lock_waits
-- Purpose: bound how long the statements of this transaction wait for a lock.
-- Parameters: milliseconds.
SELECT set_config('lock_timeout', %(milliseconds)s, TRUE);
