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
LEFT JOIN known_locations AS l ON m.location_id = l.id
