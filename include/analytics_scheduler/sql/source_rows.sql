-- name: limit_check
-- Purpose: limit the following statements of this transaction.
-- Parameters: timeout (a duration such as 10s).
SELECT set_config('statement_timeout', %(timeout)s, TRUE);


-- name: count_source_locations
-- Purpose: count the locations, and those that get snapshots.
-- Rows: one.
SELECT
    count(*) AS all_locations,
    count(*) FILTER (WHERE is_active) AS active_locations
FROM {source}.locations;


-- name: count_broken_products
-- Purpose: count the products whose cost or price figures cannot be computed from.
-- Rows: one: a count for each kind of problem.
SELECT
    count(*) FILTER (WHERE cost IS NULL) AS null_cost,
    count(*) FILTER (WHERE price IS NULL) AS null_price,
    count(*) FILTER (
        WHERE NOT (abs(cost) < 1e11 AND cost = round(cost, 4))
    ) AS uneven_cost,
    count(*) FILTER (
        WHERE NOT (abs(price) < 1e11 AND price = round(price, 4))
    ) AS uneven_price
FROM {source}.products;


-- name: count_broken_stock
-- Purpose: count the rows of stock that figures cannot be computed from.
-- Rows: one: a count for each kind of problem.
WITH known_products AS (
    SELECT DISTINCT id FROM {source}.products
),

known_locations AS (
    SELECT DISTINCT id FROM {source}.locations
)

SELECT
    count(*) FILTER (WHERE i.quantity IS NULL) AS null_quantity,
    count(*) FILTER (
        WHERE NOT (abs(i.quantity) < 1e12 AND i.quantity = round(i.quantity, 3))
    ) AS uneven_quantity,
    count(*) FILTER (WHERE p.id IS NULL) AS unknown_product,
    count(*) FILTER (WHERE l.id IS NULL) AS unknown_location
FROM {source}.inventory_items AS i
LEFT JOIN known_products AS p ON i.product_id = p.id
LEFT JOIN known_locations AS l ON i.location_id = l.id;


-- name: count_duplicate_keys
-- Purpose: count the keys that occur in more than one row.
-- Parts: relation; columns (those of the key).
-- Rows: one: the count.
WITH duplicates AS (
    SELECT {columns}
    FROM {source}.{relation}
    GROUP BY {columns}
    HAVING count(*) > 1
)

SELECT count(*) AS duplicate_keys FROM duplicates;


-- name: count_broken_movements
-- Purpose: count the movements that figures cannot be computed from, or that belong to no complete
-- day: clocks that differ by up to ten minutes are tolerated.
-- Rows: one: a count for each kind of problem.
WITH known_products AS (
    SELECT DISTINCT id FROM {source}.products
),

known_locations AS (
    SELECT DISTINCT id FROM {source}.locations
)

SELECT
    count(*) FILTER (WHERE m.quantity IS NULL) AS null_quantity,
    count(*) FILTER (
        WHERE NOT (abs(m.quantity) < 1e12 AND m.quantity = round(m.quantity, 3))
    ) AS uneven_quantity,
    count(*) FILTER (WHERE p.id IS NULL) AS unknown_product,
    count(*) FILTER (WHERE l.id IS NULL) AS unknown_location,
    count(*) FILTER (WHERE m.created_at IS NULL) AS null_created_at,
    count(*) FILTER (WHERE m.created_at > now() + INTERVAL '10 minutes') AS future_created_at
FROM {source}.stock_movements AS m
LEFT JOIN known_products AS p ON m.product_id = p.id
LEFT JOIN known_locations AS l ON m.location_id = l.id;


-- name: count_unknown_types
-- Purpose: count the movements of each type that no figure knows, the most frequent types first.
-- Parameters: known (an array of the known types); size (how many types to return).
-- Rows: one per type, with the number of unknown types in all.
SELECT
    type::text AS type_name,
    count(*) AS movements,
    count(*) OVER () AS all_types
FROM {source}.stock_movements
WHERE type IS NULL OR type::text <> ALL(%(known)s::text[])
GROUP BY type::text
ORDER BY movements DESC, type_name ASC
LIMIT %(size)s;
