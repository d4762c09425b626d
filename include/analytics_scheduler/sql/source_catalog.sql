-- name: read_relations
-- Purpose: the relations of the source that exist: what they are and how large the planner takes
-- them to be.
-- Parameters: schema; relations, an array of names.
-- Rows: one a relation that exists; estimated_rows is -1 where it was never analysed.
-- Locks: none.
SELECT
    c.relname::text AS relation_name,
    c.relkind::text AS relation_kind,
    c.reltuples::bigint AS estimated_rows,
    row_security_active(c.oid) AS hides_rows
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
INNER JOIN unnest(%(relations)s::text[]) AS wanted (relation_name)
    ON c.relname = wanted.relation_name
WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f');


-- name: probe_relation
-- Purpose: can the relation really be read, whatever lies below it? Identifiers: source, relation
-- and columns.
-- Rows: none.
-- Locks: ACCESS SHARE on the relation and what it reads.
SELECT {columns} FROM {source}.{relation} LIMIT 0 -- noqa: AM09;


-- name: find_locations
-- Purpose: is there a relation `locations`, and can a foreign key point at it?
-- Parameters: schema. Rows: one where the relation exists.
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


-- name: find_source_tables
-- Purpose: which of the four relations of the source contract a database has.
-- Parameters: none.
-- Rows: one for each relation there is, its name.
-- Locks: none.
SELECT wanted.relation_name
FROM (
    VALUES ('locations'), ('products'), ('inventory_items'), ('stock_movements')
) AS wanted (relation_name)
WHERE to_regclass(format('%%I.%%I', %(source_schema)s::text, wanted.relation_name)) IS NOT NULL
ORDER BY wanted.relation_name;


-- name: read_indexes
-- Purpose: the usable indexes of the source's relations: whole, valid and on plain columns.
-- Parameters: schema; relations, an array of names.
-- Rows: one an index, with its key columns in order.
-- Locks: none.
SELECT
    c.relname::text AS relation_name,
    i.indisunique AND i.indimmediate AS is_unique,
    array_agg(a.attname::text ORDER BY k.place) AS column_names
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
INNER JOIN unnest(%(relations)s::text[]) AS wanted (relation_name)
    ON c.relname = wanted.relation_name
INNER JOIN pg_index AS i ON c.oid = i.indrelid
INNER JOIN pg_class AS x ON i.indexrelid = x.oid
INNER JOIN pg_am AS m ON x.relam = m.oid
CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
LEFT JOIN pg_attribute AS a ON c.oid = a.attrelid AND k.attnum = a.attnum
WHERE
    n.nspname = %(schema)s
    AND m.amname = 'btree'
    AND i.indisvalid
    AND i.indpred IS NULL
    AND i.indexprs IS NULL
    AND k.place <= i.indnkeyatts
GROUP BY c.relname, i.indexrelid, i.indisunique, i.indimmediate;


-- name: read_target
-- Purpose: may the package's own tables be made, and is there a table of snapshots already?
-- Parameters: schema. Rows: one.
-- Locks: none.
SELECT
    n.oid IS NOT NULL AS schema_exists,
    coalesce(has_schema_privilege(n.oid, 'USAGE'), FALSE) AS schema_usable,
    coalesce(has_schema_privilege(n.oid, 'CREATE'), FALSE) AS can_create_tables,
    has_database_privilege(current_database(), 'CREATE') AS can_create_schema,
    has_database_privilege(current_database(), 'TEMPORARY') AS can_make_temporary_tables,
    c.oid IS NOT NULL AS has_snapshots,
    coalesce(pg_has_role(c.relowner, 'USAGE'), TRUE) AS owns_snapshots,
    current_database()::text AS database_name
FROM unnest(ARRAY[%(schema)s::text]) AS wanted (schema_name)
LEFT JOIN pg_namespace AS n ON wanted.schema_name = n.nspname
LEFT JOIN pg_class AS c ON n.oid = c.relnamespace AND c.relname = 'analytics_snapshots';


-- name: read_missing_privileges
-- Purpose: what the user may not do with the package's own tables.
-- Parameters: schema. Rows: one a table with something missing.
-- Locks: none.
SELECT
    c.relname::text AS table_name,
    array_agg(p.privilege ORDER BY p.place) AS missing
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
CROSS JOIN
    unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'])
    WITH ORDINALITY AS p (privilege, place)
WHERE
    n.nspname = %(schema)s
    AND c.relkind IN ('r', 'p')
    AND (c.relname = 'analytics_snapshots' OR starts_with(c.relname, 'analytics_snapshot_'))
    -- Only a migrator writes the record of migrations.
    AND (c.relname <> 'analytics_snapshot_migrations' OR p.privilege = 'SELECT')
    AND NOT has_table_privilege(c.oid, p.privilege)
GROUP BY c.relname
ORDER BY c.relname;


-- name: read_reference_privilege
-- Purpose: may a foreign key of this user point at `locations`?
-- Parameters: schema. Rows: one where `locations` has a column id.
-- Locks: none.
SELECT has_column_privilege(c.oid, a.attnum, 'REFERENCES')
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
INNER JOIN pg_attribute AS a ON c.oid = a.attrelid AND a.attname = 'id'
WHERE n.nspname = %(schema)s AND c.relname = 'locations' AND c.relkind IN ('r', 'p');
