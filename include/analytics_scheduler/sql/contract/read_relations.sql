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
WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
