-- name: limit_lock_waits
-- Purpose: bound how long the statements of this transaction wait for a lock.
-- Parameters: milliseconds.
SELECT set_config('lock_timeout', %(milliseconds)s, TRUE);


-- name: limit_statements
-- Purpose: bound how long each statement of this transaction takes.
-- Parameters: milliseconds.
SELECT set_config('statement_timeout', %(milliseconds)s, TRUE);


-- name: probe_source_tables
-- Purpose: find out whether another session keeps everybody from reading a source table: then this
-- fails at once, and names it.
-- Locks: the source tables, as reading does, until the transaction ends.
LOCK TABLE
{source}.locations, {source}.products, {source}.inventory_items, {source}.stock_movements
IN ACCESS SHARE MODE NOWAIT;


-- name: probe_own_tables
-- Purpose: find out whether another session keeps everybody from writing a table of the package.
-- Locks: the tables, as writing does, until the transaction ends.
LOCK TABLE
{analytics}.analytics_snapshots,
{analytics}.analytics_snapshot_days,
{analytics}.analytics_snapshot_locations,
{analytics}.analytics_snapshot_revisions
IN ROW EXCLUSIVE MODE NOWAIT;
