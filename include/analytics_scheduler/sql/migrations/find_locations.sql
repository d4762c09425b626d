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
WHERE n.nspname = %(schema)s AND c.relname = 'locations' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
