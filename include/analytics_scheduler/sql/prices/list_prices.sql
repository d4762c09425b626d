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
