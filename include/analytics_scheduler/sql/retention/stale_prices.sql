-- Purpose: a part of other statements: the costs and prices that were superseded before the
-- oldest day that is kept, so that no stored day is valued by them.
-- Parameters: moment (the first instant of the oldest day that is kept).
SELECT
    p.product_id,
    p.seen_at
FROM {analytics}.analytics_snapshot_prices AS p
WHERE p.seen_at < %(moment)s AND EXISTS (
    SELECT FROM {analytics}.analytics_snapshot_prices AS n
    WHERE n.product_id = p.product_id AND n.seen_at > p.seen_at AND n.seen_at <= %(moment)s
)
