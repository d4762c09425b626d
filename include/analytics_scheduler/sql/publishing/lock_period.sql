-- Purpose: let one publish of a period run at a time, so that older figures never overwrite newer.
-- Parameters: period_type; lock_timeout (milliseconds). Rows: one.
-- Locks: an advisory one until the transaction ends.
SELECT
    set_config('lock_timeout', %(lock_timeout)s, TRUE) AS lock_timeout,
    pg_advisory_xact_lock(
        hashtextextended('analytics_scheduler publish ' || %(period_type)s, 0)
    ) AS is_our_turn
