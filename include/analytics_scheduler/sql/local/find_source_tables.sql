-- Purpose: which of the four relations of the source contract a database has.
-- Parameters: none.
-- Rows: one for each relation there is, its name.
-- Locks: none.
SELECT wanted.relation_name
FROM (
    VALUES ('locations'), ('products'), ('inventory_items'), ('stock_movements')
) AS wanted (relation_name)
WHERE to_regclass(format('%%I.%%I', %(source_schema)s::text, wanted.relation_name)) IS NOT NULL
ORDER BY wanted.relation_name
