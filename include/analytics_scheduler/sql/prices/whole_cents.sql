-- Purpose: part of other statements: the products of now in whole cents. A cost or price that is
-- missing, is not a number or has more than two decimals is NULL.
-- Rows: one a product.
SELECT
    id AS product_id,
    CASE
        WHEN abs(cost) < 1e12 AND cost = round(cost, 2) THEN (cost * 100)::bigint
    END AS cost_cents,
    CASE
        WHEN abs(price) < 1e12 AND price = round(price, 2) THEN (price * 100)::bigint
    END AS price_cents
FROM {source}.products
