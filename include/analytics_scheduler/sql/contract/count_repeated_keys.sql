-- Purpose: how many keys that must be unique stand in more than one row.
-- Identifiers: source, relation and columns.
-- Rows: one.
-- Locks: ACCESS SHARE on the relation.
WITH repeated AS (
    SELECT {columns}
    FROM {source}.{relation}
    GROUP BY {columns}
    HAVING count(*) > 1
)

SELECT count(*) AS repeated_keys FROM repeated
