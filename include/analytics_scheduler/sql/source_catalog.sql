-- name: read_current_user
-- Purpose: find the user whose privileges the checks are about.
-- Rows: one: the name.
SELECT current_user::text;


-- name: read_relations
-- Purpose: read what the relations of the source are, and how large the planner estimates them.
-- Parameters: schema; relations (an array of names).
-- Rows: one per relation that exists, in the order of the names; estimated_rows is -1 if it was
-- never analysed.
SELECT
    c.relname::text AS relation_name,
    c.relkind::text AS relation_kind,
    c.reltuples::bigint AS estimated_rows,
    row_security_active(c.oid) AS hides_rows
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
INNER JOIN unnest(%(relations)s::text[]) WITH ORDINALITY AS wanted (relation_name, place)
    ON c.relname = wanted.relation_name
WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
ORDER BY wanted.place;


-- name: read_indexes
-- Purpose: read the indexes of relations that a query for any row can use: valid B-trees on plain
-- columns, not partial.
-- Parameters: schema; relations (an array of names).
-- Rows: one per index, with its key columns in order.
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


-- name: probe_relation
-- Purpose: read no row of a relation, which still fails if a table below a view cannot be read.
-- Parts: relation; columns (those of the contract).
SELECT {columns} FROM {source}.{relation} LIMIT 0; -- noqa: AM09


-- name: read_target
-- Purpose: find whether the package's tables can be created, and whether that of the snapshots
-- exists.
-- Parameters: schema (that of the package's tables).
-- Rows: one.
SELECT
    n.oid IS NOT NULL AS schema_exists,
    coalesce(has_schema_privilege(n.oid, 'USAGE'), FALSE) AS schema_usable,
    coalesce(has_schema_privilege(n.oid, 'CREATE'), FALSE) AS can_create_tables,
    has_database_privilege(current_database(), 'CREATE') AS can_create_schema,
    has_database_privilege(current_database(), 'TEMPORARY') AS can_create_temporary_tables,
    c.oid IS NOT NULL AS has_snapshots,
    coalesce(pg_has_role(c.relowner, 'USAGE'), TRUE) AS owns_snapshots,
    current_database()::text AS database_name
FROM unnest(ARRAY[%(schema)s::text]) AS wanted (schema_name)
LEFT JOIN pg_namespace AS n ON wanted.schema_name = n.nspname
LEFT JOIN pg_class AS c ON n.oid = c.relnamespace AND c.relname = 'analytics_snapshots';


-- name: read_missing_privileges
-- Purpose: find the privileges on the package's tables that the user lacks.
-- Parameters: schema (that of the package's tables).
-- Rows: one per table that lacks a privilege: its name, and an array of the privileges.
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
    -- Only migrations write the record of migrations.
    AND (c.relname <> 'analytics_snapshot_migrations' OR p.privilege = 'SELECT')
    AND NOT has_table_privilege(c.oid, p.privilege)
GROUP BY c.relname
ORDER BY c.relname;


-- name: may_reference_locations
-- Purpose: find whether the user may create a foreign key to `locations`.
-- Parameters: schema (that of the source).
-- Rows: one if `locations` is a table with a column id: true or false.
SELECT has_column_privilege(c.oid, a.attnum, 'REFERENCES')
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
INNER JOIN pg_attribute AS a ON c.oid = a.attrelid AND a.attname = 'id'
WHERE n.nspname = %(schema)s AND c.relname = 'locations' AND c.relkind IN ('r', 'p');
