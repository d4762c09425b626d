-- Purpose: may a foreign key of this user point at `locations`?
-- Parameters: schema. Rows: one where `locations` has a column id.
-- Locks: none.
SELECT has_column_privilege(c.oid, a.attnum, 'REFERENCES')
FROM pg_class AS c
INNER JOIN pg_namespace AS n ON c.relnamespace = n.oid
INNER JOIN pg_attribute AS a ON c.oid = a.attrelid AND a.attname = 'id'
WHERE n.nspname = %(schema)s AND c.relname = 'locations' AND c.relkind IN ('r', 'p')
