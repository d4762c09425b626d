-- name: create_schema
-- Purpose: make the schema of the package.
CREATE SCHEMA {analytics};


-- name: create_migrations
-- Purpose: make the record of applied migrations, where it is missing.
CREATE TABLE IF NOT EXISTS {analytics}.analytics_snapshot_migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);


-- name: read_version
-- Purpose: the number of the last migration. Rows: one.
SELECT coalesce(max(number), 0) FROM {analytics}.analytics_snapshot_migrations;


-- name: read_snapshot_shape
-- Purpose: columns of an existing table of snapshots, the columns of its unique key, and those that
-- a new row must name although no run does.
-- Parameters: schema. Rows: one a column, one for the key, one for the columns without a default;
-- none where there is no table.
WITH snapshots AS (
    SELECT c.oid
    FROM pg_class AS c
    INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
    WHERE n.nspname = %(schema)s AND c.relname = 'analytics_snapshots'
)

SELECT
    a.attname::text AS part,
    format_type(a.atttypid, a.atttypmod) AS form
FROM pg_attribute AS a
INNER JOIN snapshots AS s ON a.attrelid = s.oid
WHERE a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT
    'unique key' AS part,
    '(' || string_agg(a.attname, ', ' ORDER BY k.place) || ')' AS form
FROM snapshots AS s
INNER JOIN pg_index AS i ON s.oid = i.indrelid AND i.indisunique AND i.indpred IS NULL
CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
INNER JOIN pg_attribute AS a ON s.oid = a.attrelid AND k.attnum = a.attnum
GROUP BY i.indexrelid
HAVING string_agg(a.attname, ', ' ORDER BY k.place) = 'location_id, period_type, period_start'
UNION ALL
SELECT
    'without default' AS part,
    string_agg(a.attname, ', ' ORDER BY a.attnum) AS form
FROM snapshots AS s
INNER JOIN pg_attribute AS a ON s.oid = a.attrelid
WHERE
    a.attnum > 0
    AND NOT a.attisdropped
    AND a.attnotnull
    AND NOT a.atthasdef
    AND a.attidentity = ''
    AND a.attname NOT IN ('location_id', 'period_type', 'period_start', 'period_end')
HAVING count(*) > 0;


-- name: record_migration
-- Purpose: note that a migration was applied. Parameters: number, name.
INSERT INTO {analytics}.analytics_snapshot_migrations (number, name)
VALUES (%(number)s, %(name)s);


-- name: count_adopted
-- Purpose: how many rows stood in the table before the package came. Rows: one.
SELECT count(*) FROM {analytics}.analytics_snapshot_adopted;
