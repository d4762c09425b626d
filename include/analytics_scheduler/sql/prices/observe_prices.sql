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
    OR (last.cost_cents, last.price_cents) IS DISTINCT FROM (p.cost_cents, p.price_cents)
