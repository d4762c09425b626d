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
FROM {source}.products
