-- A day carried from the stored day before it, for comparison: that day's closing and the movements
-- of the day, without a look at the stock. `start` is the day, `end` the day after.
INSERT INTO best_snapshots (
    location_id, period_type, period_start, period_end, total_inventory_value, total_items,
    turnover_ratio, wastage_value, wastage_percentage, revenue, cost_of_goods_sold
)
SELECT
    location_id,
    %(period_type)s,
    %(start)s::date,
    %(end)s::date - 1,
    closing / 100.0,
    items,
    CASE
        WHEN cogs = 0 THEN 0 WHEN 2 * closing > net THEN round(2.0 * cogs / (2 * closing - net), 2)
    END,
    waste / 100.0,
    CASE WHEN cogs = 0 THEN 0 WHEN abs(waste) < 9 * abs(cogs) THEN round(100.0 * waste / cogs, 2) END,
    revenue / 100.0,
    cogs / 100.0
FROM (
    SELECT
        before.location_id,
        before.closing_cents + coalesce(f.net, 0) AS closing,
        before.closing_items + coalesce(f.net_items, 0) AS items,
        coalesce(f.net, 0) AS net,
        coalesce(f.cogs, 0) AS cogs,
        coalesce(f.waste, 0) AS waste,
        coalesce(f.revenue, 0) AS revenue
    FROM analytics_snapshot_days AS before
    LEFT JOIN (
        SELECT
            m.location_id,
            sum(CASE WHEN m.type IN ('in', 'adjustment') THEN m.quantity ELSE -m.quantity END)
                AS net_items,
            sum(
                CASE WHEN m.type IN ('in', 'adjustment') THEN m.quantity ELSE -m.quantity END
                * p.cents
            ) AS net,
            sum(m.quantity * p.cents) FILTER (WHERE m.type IN ('out', 'waste')) AS cogs,
            sum(m.quantity * p.cents) FILTER (WHERE m.type = 'waste') AS waste,
            sum(m.quantity * p.price_cents) FILTER (WHERE m.type = 'out') AS revenue
        FROM stock_movements AS m
        INNER JOIN (
            SELECT
                id,
                (cost * 100)::bigint AS cents,
                (price * 100)::bigint AS price_cents
            FROM products
            OFFSET 0
        ) AS p ON p.id = m.product_id
        WHERE m.created_at >= %(start)s::timestamp AND m.created_at < %(end)s::timestamp
        GROUP BY m.location_id
    ) AS f ON f.location_id = before.location_id
    WHERE before.day = %(start)s::date - 1
) AS sums
