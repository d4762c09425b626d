-- name: _current_prices
-- Purpose: the products' current costs and prices in whole cents: NULL if one is missing, is not a
-- number, or has more than two decimals.
-- Rows: one per product.
SELECT
    id AS product_id,
    CASE
        WHEN abs(cost) < 1e12 AND cost = round(cost, 2) THEN (cost * 100)::bigint
    END AS cost_cents,
    CASE
        WHEN abs(price) < 1e12 AND price = round(price, 2) THEN (price * 100)::bigint
    END AS price_cents
FROM {source}.products;


-- name: _prices_at
-- Purpose: costs and prices as runs had last seen them at a moment. A product that no run had seen
-- by then counts at its current cost and price. A part, because a temporary table in its place is
-- not scanned in parallel: compute_days then takes 2.3 times as long (1.8 times for eight days).
-- Parameters: priced_at.
-- Parts: _current_prices.
-- Rows: one per product.
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
    WHERE seen_at <= %(priced_at)s
    UNION ALL
    SELECT
        product_id,
        '-infinity'::timestamptz AS seen_at,
        cost_cents,
        price_cents
    FROM ({_current_prices}) AS current_prices -- noqa: AL05
) AS seen
ORDER BY product_id ASC, seen_at DESC;


-- name: lock_prices
-- Purpose: let one run at a time store prices, and read the clock when it is this run's turn.
-- Parameters: key (of the advisory lock).
-- Rows: one: nothing, and the moment.
-- Locks: the advisory one, until the transaction ends.
SELECT
    pg_advisory_xact_lock(%(key)s) AS is_our_turn,
    clock_timestamp() AS observed_at;


-- name: observe_prices
-- Purpose: store every current cost and price that differs from the last one that a run saw.
-- Parameters: observed_at.
-- Parts: _current_prices.
-- Locks: the rows written. The caller holds the advisory lock that lets one run observe at a time.
INSERT INTO {analytics}.analytics_snapshot_prices (product_id, seen_at, cost_cents, price_cents)
SELECT
    p.product_id,
    %(observed_at)s,
    p.cost_cents,
    p.price_cents
FROM ({_current_prices}) AS p
LEFT JOIN (
    SELECT DISTINCT ON (product_id)
        product_id,
        cost_cents,
        price_cents
    FROM {analytics}.analytics_snapshot_prices
    ORDER BY product_id ASC, seen_at DESC
) AS last ON last.product_id = p.product_id
WHERE
    last.product_id IS NULL
    OR (last.cost_cents, last.price_cents) IS DISTINCT FROM (p.cost_cents, p.price_cents);


-- name: list_price_changes
-- Purpose: list the moments at which a run saw a changed cost or price.
-- Rows: one per moment, in order.
SELECT DISTINCT seen_at
FROM {analytics}.analytics_snapshot_prices
ORDER BY seen_at;
