-- name: has_migrations
-- Purpose: find whether the record of migrations exists.
-- Parameters: schema (that of the package's tables).
-- Rows: one: true or false.
SELECT count(*) > 0 AS has_migrations
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
WHERE n.nspname = %(schema)s AND c.relname = 'analytics_snapshot_migrations';


-- name: read_version
-- Purpose: find the number of the last migration that was applied.
-- Rows: one: the number, or 0.
SELECT coalesce(max(number), 0) FROM {analytics}.analytics_snapshot_migrations;


-- name: lock_migrations
-- Purpose: wait until no other migrator is in a transaction.
-- Parameters: key (the same number for every migrator).
-- Locks: an advisory lock, until the transaction ends.
SELECT pg_advisory_xact_lock(%(key)s);


-- name: has_schema
-- Purpose: find whether the schema of the package's tables exists.
-- Parameters: schema.
-- Rows: one: true or false.
SELECT count(*) > 0 AS has_schema FROM pg_namespace WHERE nspname = %(schema)s;


-- name: create_schema
-- Purpose: create the schema of the package's tables.
CREATE SCHEMA {analytics};


-- name: create_migrations
-- Purpose: create the record of migrations if it is missing.
CREATE TABLE IF NOT EXISTS {analytics}.analytics_snapshot_migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);


-- name: read_snapshot_columns
-- Purpose: read the columns of a table of snapshots that may be another service's.
-- Parameters: schema.
-- Rows: one per column: its name, its type, and whether every INSERT must give it a value; none if
-- there is no such table.
SELECT
    a.attname::text AS column_name,
    format_type(a.atttypid, a.atttypmod) AS type_name,
    a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AS must_be_given
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
INNER JOIN pg_attribute AS a ON c.oid = a.attrelid
WHERE
    n.nspname = %(schema)s
    AND c.relname = 'analytics_snapshots'
    AND a.attnum > 0
    AND NOT a.attisdropped
ORDER BY a.attnum;


-- name: has_unique_key
-- Purpose: find whether the table of snapshots has a unique index on these columns, in this order.
-- Parameters: schema; columns (an array of names).
-- Rows: one: true or false.
SELECT count(*) > 0 AS has_unique_key
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
INNER JOIN pg_index AS i ON c.oid = i.indrelid
WHERE
    n.nspname = %(schema)s
    AND c.relname = 'analytics_snapshots'
    AND i.indisunique
    AND i.indpred IS NULL
    AND i.indexprs IS NULL
    AND %(columns)s::text[] = ARRAY(
        SELECT a.attname::text
        FROM unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
        INNER JOIN pg_attribute AS a ON a.attrelid = c.oid AND k.attnum = a.attnum
        ORDER BY k.place
    );


-- name: find_locations
-- Purpose: find `locations` in the source, and whether a foreign key can reference it: it must be a
-- table whose id alone is unique.
-- Parameters: schema (that of the source).
-- Rows: one: true or false; none if there is no such relation.
SELECT
    c.relkind IN ('r', 'p')
    AND EXISTS (
        SELECT FROM pg_index AS i
        INNER JOIN pg_attribute AS a ON i.indrelid = a.attrelid AND a.attnum = i.indkey[0]
        WHERE
            i.indrelid = c.oid AND i.indisunique AND i.indnkeyatts = 1
            AND i.indpred IS NULL AND a.attname = 'id'
    ) AS can_be_referenced
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
WHERE n.nspname = %(schema)s AND c.relname = 'locations' AND c.relkind IN ('r', 'p', 'v', 'm', 'f');


-- name: record_migration
-- Purpose: record that a migration was applied.
-- Parameters: number; name.
-- Locks: the new row.
INSERT INTO {analytics}.analytics_snapshot_migrations (number, name)
VALUES (%(number)s, %(name)s);


-- name: count_adopted
-- Purpose: count the rows that were in the table of snapshots before the package.
-- Rows: one: the count.
SELECT count(*) FROM {analytics}.analytics_snapshot_adopted;
