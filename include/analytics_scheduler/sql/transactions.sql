-- name: limit_lock_waits
-- Purpose: bound how long the statements of this transaction wait for a lock.
-- Parameters: milliseconds.
SELECT set_config('lock_timeout', %(milliseconds)s, TRUE);


-- name: limit_transaction
-- Purpose: bound how long each statement of this transaction takes, and how long it waits for a
-- lock.
-- Parameters: statement_milliseconds; lock_milliseconds.
SELECT
    set_config('statement_timeout', %(statement_milliseconds)s, TRUE),
    set_config('lock_timeout', %(lock_milliseconds)s, TRUE);


-- name: probe_source_relation
-- Purpose: find out whether another session keeps everybody from reading a relation of the source,
-- or what it is made of: then this ends at the time-out for locks.
-- Parts: relation.
-- Rows: always empty.
SELECT FROM {source}.{relation} WHERE FALSE;


-- name: probe_own_table
-- Purpose: find out whether another session keeps everybody from writing a table of the package:
-- then this ends at the time-out for locks.
-- Parts: relation.
-- Locks: the table, as writing does, until the transaction ends.
LOCK TABLE {analytics}.{relation} IN ROW EXCLUSIVE MODE;
