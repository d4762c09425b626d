-- Purpose: the types of movement that no figure knows, the most frequent first.
-- Parameters: shown, how many types to name.
-- Rows: one a type, with the number of types in all.
-- Locks: ACCESS SHARE on stock_movements.
SELECT
    type::text AS type_name,
    count(*) AS movements,
    count(*) OVER () AS all_types
FROM {source}.stock_movements
WHERE type IS NULL OR type::text NOT IN ('in', 'out', 'waste', 'adjustment')
GROUP BY type::text
ORDER BY movements DESC, type_name ASC
LIMIT %(shown)s
