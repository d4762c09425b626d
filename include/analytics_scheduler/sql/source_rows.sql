-- name: count_source_locations
-- Purpose: how many locations there are, and how many of them get snapshots. Rows: one.
-- Locks: ACCESS SHARE on locations.
SELECT
    count(*) AS all_locations,
    count(*) FILTER (WHERE is_active) AS active_locations
FROM {source}.locations;


-- name: count_broken_products
-- Purpose: how many products have a cost or a price that no figure can be computed from.
-- Rows: one.
-- Locks: ACCESS SHARE on products.
SELECT
    count(*) FILTER (WHERE cost IS NULL) AS null_cost,
    count(*) FILTER (WHERE price IS NULL) AS null_price,
    count(*) FILTER (
        WHERE cost <> round(cost, 2) OR cost::text IN ('NaN', 'Infinity', '-Infinity')
    ) AS uneven_cost,
    count(*) FILTER (
        WHERE price <> round(price, 2) OR price::text IN ('NaN', 'Infinity', '-Infinity')
    ) AS uneven_price
FROM {source}.products;


-- name: count_broken_stock
-- Purpose: how many rows of stock no figure can be computed from. Rows: one.
-- Locks: ACCESS SHARE on inventory_items, products, locations.
WITH known_products AS (
    SELECT DISTINCT id FROM {source}.products
),

known_locations AS (
    SELECT DISTINCT id FROM {source}.locations
)

SELECT
    count(*) FILTER (WHERE i.quantity IS NULL) AS null_quantity,
    count(*) FILTER (WHERE p.id IS NULL) AS unknown_product,
    count(*) FILTER (WHERE l.id IS NULL) AS unknown_location
FROM {source}.inventory_items AS i
LEFT JOIN known_products AS p ON i.product_id = p.id
LEFT JOIN known_locations AS l ON i.location_id = l.id;


-- name: count_repeated_keys
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

SELECT count(*) AS repeated_keys FROM repeated;


-- name: count_broken_movements
-- Purpose: how many movements no figure can be computed from, or stand in no period that is over.
-- Rows: one.
-- Locks: ACCESS SHARE on stock_movements, products, locations.
WITH known_products AS (
    SELECT DISTINCT id FROM {source}.products
),

known_locations AS (
    SELECT DISTINCT id FROM {source}.locations
)

SELECT
    count(*) FILTER (WHERE m.quantity IS NULL) AS null_quantity,
    count(*) FILTER (WHERE p.id IS NULL) AS unknown_product,
    count(*) FILTER (WHERE l.id IS NULL) AS unknown_location,
    count(*) FILTER (WHERE m.created_at IS NULL) AS null_created_at,
    count(*) FILTER (WHERE m.created_at > now() + INTERVAL '10 minutes') AS future_created_at
FROM {source}.stock_movements AS m
LEFT JOIN known_products AS p ON m.product_id = p.id
LEFT JOIN known_locations AS l ON m.location_id = l.id;


-- name: count_unknown_types
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
LIMIT %(shown)s;
