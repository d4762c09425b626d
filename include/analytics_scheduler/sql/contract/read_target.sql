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
LEFT JOIN pg_class AS c ON n.oid = c.relnamespace AND c.relname = 'analytics_snapshots'
