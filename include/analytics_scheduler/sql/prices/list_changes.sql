-- Purpose: the moments after the given one at which a cost or price was seen to change.
-- Parameters: since. Rows: one a moment, in order.
SELECT DISTINCT seen_at
FROM {analytics}.analytics_snapshot_prices
WHERE seen_at > %(since)s
ORDER BY seen_at
