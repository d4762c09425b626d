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
ORDER BY c.relname
