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
GROUP BY c.relname, i.indexrelid, i.indisunique, i.indimmediate
