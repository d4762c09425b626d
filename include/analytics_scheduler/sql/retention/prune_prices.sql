-- Purpose: delete a batch of costs and prices that no stored day is valued by.
-- Parameters: those of stale_prices, which is the part called stale; batch_size.
-- Rows: one: rows deleted. Locks: the rows that are deleted.
WITH deleted AS (
    DELETE FROM {analytics}.analytics_snapshot_prices AS p
    USING (
        SELECT
            found.product_id,
            found.seen_at
        FROM ({stale}) AS found
        ORDER BY found.product_id, found.seen_at
        LIMIT %(batch_size)s
    ) AS s
    WHERE p.product_id = s.product_id AND p.seen_at = s.seen_at
    RETURNING p.product_id
)

SELECT count(*) AS gone FROM deleted
