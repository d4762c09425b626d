-- name: _products_in_cents
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


-- name: _prices_seen
-- Purpose: part of other statements: costs and prices as they were seen at a moment. A product
-- that no run had seen by then counts with what it costs now.
-- Parts: moment is the name of the parameter. Rows: one a product.
SELECT DISTINCT ON (product_id)
    product_id,
    cost_cents,
    price_cents
FROM (
    SELECT
        product_id,
        seen_at,
        cost_cents,
        price_cents
    FROM {analytics}.analytics_snapshot_prices
    WHERE seen_at <= {moment}
    UNION ALL
    SELECT
        product_id,
        '-infinity'::timestamptz AS seen_at,
        cost_cents,
        price_cents
    FROM ({whole_cents}) AS prices_of_now -- noqa: AL05
) AS seen
ORDER BY product_id, seen_at DESC


-- name: observe_prices
-- Purpose: note every cost and price that differs from what was last seen.
-- Parameters: observed_at. Locks: rows of the package's own table; the caller holds the lock that
-- lets one run observe at a time.
INSERT INTO {analytics}.analytics_snapshot_prices (product_id, seen_at, cost_cents, price_cents)
SELECT
    p.product_id,
    %(observed_at)s,
    p.cost_cents,
    p.price_cents
FROM ({whole_cents}) AS p
LEFT JOIN (
    SELECT DISTINCT ON (product_id)
        product_id,
        cost_cents,
        price_cents
    FROM {analytics}.analytics_snapshot_prices
    ORDER BY product_id, seen_at DESC
) AS last ON last.product_id = p.product_id
WHERE
    last.product_id IS NULL
    OR (last.cost_cents, last.price_cents) IS DISTINCT FROM (p.cost_cents, p.price_cents);


-- name: list_price_changes
-- Purpose: the moments after the given one at which a cost or price was seen to change.
-- Parameters: since. Rows: one a moment, in order.
SELECT DISTINCT seen_at
FROM {analytics}.analytics_snapshot_prices
WHERE seen_at > %(since)s
ORDER BY seen_at;
