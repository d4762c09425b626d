-- name: limit_lock_wait
-- Purpose: let the statements of this transaction wait only so long for a lock.
-- Parameters: seconds.
SELECT set_config('lock_timeout', %(seconds)s::text || 's', TRUE) AS lock_timeout;
