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
LEFT JOIN known_locations AS l ON i.location_id = l.id
