-- name: _current_prices
-- Purpose: the products' current costs and prices in ten-thousandths: NULL if one is missing, is
-- not a number below 1e11 (a ten-millionth of it stays in 64 bits), or has more than four decimals.
-- Rows: one per product.
SELECT
    id AS product_id,
    CASE
        WHEN abs(cost) < 1e11 AND cost = round(cost, 4) THEN (cost * 10000)::bigint
    END AS cost_e4,
    CASE
        WHEN abs(price) < 1e11 AND price = round(price, 4) THEN (price * 10000)::bigint
    END AS price_e4
FROM {source}.products;


-- name: _seen_prices
-- Purpose: every cost and price that a run has seen, in ten-thousandths.
-- Rows: one per product and moment.
SELECT
    product_id,
    seen_at,
    coalesce(cost_e4, cost_cents * 100) AS cost_e4,
    coalesce(price_e4, price_cents * 100) AS price_e4
FROM {analytics}.analytics_snapshot_prices;


-- name: _prices_at
-- Purpose: what one unit of a quantity cost and sold at, as runs had last seen it at a moment. A
-- product that no run had seen by then counts at its current cost and price. A part, because a
-- temporary table in its place is not scanned in parallel: compute_days then takes 2.3 times as
-- long (1.8 times for eight days).
-- Parameters: priced_at; unit (how many thousandths of a piece a unit is, so that a quantity times
-- its cost is in ten-millionths).
-- Parts: _seen_prices; _current_prices.
-- Rows: one per product.
SELECT DISTINCT ON (product_id)
    product_id,
    CASE WHEN abs(cost_e4) < 1e15 THEN cost_e4 * %(unit)s END AS cost,
    CASE WHEN abs(price_e4) < 1e15 THEN price_e4 * %(unit)s END AS price
FROM (
    SELECT
        s.product_id,
        s.seen_at,
        s.cost_e4,
        s.price_e4
    FROM ({_seen_prices}) AS s
    WHERE s.seen_at <= %(priced_at)s
    UNION ALL
    SELECT
        c.product_id,
        '-infinity'::timestamptz AS seen_at,
        c.cost_e4,
        c.price_e4
    FROM ({_current_prices}) AS c
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
-- Parts: _current_prices; _seen_prices.
-- Locks: the rows written. The caller holds the advisory lock that lets one run observe at a time.
INSERT INTO {analytics}.analytics_snapshot_prices (
    product_id, seen_at, cost_cents, price_cents, cost_e4, price_e4
)
SELECT
    p.product_id,
    %(observed_at)s,
    CASE WHEN mod(p.cost_e4, 100) = 0 THEN p.cost_e4 / 100 END,
    CASE WHEN mod(p.price_e4, 100) = 0 THEN p.price_e4 / 100 END,
    CASE WHEN mod(p.cost_e4, 100) <> 0 THEN p.cost_e4 END,
    CASE WHEN mod(p.price_e4, 100) <> 0 THEN p.price_e4 END
FROM ({_current_prices}) AS p
LEFT JOIN (
    SELECT DISTINCT ON (s.product_id)
        s.product_id,
        s.cost_e4,
        s.price_e4
    FROM ({_seen_prices}) AS s
    ORDER BY s.product_id ASC, s.seen_at DESC
) AS last ON last.product_id = p.product_id
WHERE
    last.product_id IS NULL
    OR (last.cost_e4, last.price_e4) IS DISTINCT FROM (p.cost_e4, p.price_e4);


-- name: list_price_changes
-- Purpose: list the moments at which a run saw a changed cost or price.
-- Rows: one per moment, in order.
SELECT DISTINCT seen_at
FROM {analytics}.analytics_snapshot_prices
ORDER BY seen_at;
