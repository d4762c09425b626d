-- The best single statement that we know for the snapshots of one period, for comparison: whole
-- cents, one aggregate over the stock and one over the ledger, no evidence. `start` is the first day
-- of the period, `end` the day after its last.
INSERT INTO best_snapshots (
    location_id, period_type, period_start, period_end, total_inventory_value, total_items,
    turnover_ratio, wastage_value, wastage_percentage, revenue, cost_of_goods_sold
)
WITH ledger AS (
    SELECT
        m.location_id,
        m.type,
        m.created_at >= %(end)s::timestamp AS is_later,
        sum(m.quantity) AS items,
        sum(m.quantity * p.cents) AS cents,
        sum(m.quantity * p.price_cents) AS price_cents
    FROM stock_movements AS m
    INNER JOIN (
        SELECT
            id,
            (cost * 100)::bigint AS cents,
            (price * 100)::bigint AS price_cents
        FROM products
        OFFSET 0
    ) AS p ON p.id = m.product_id
    WHERE m.created_at >= %(start)s::timestamp
    GROUP BY m.location_id, m.type, is_later
),

flows AS (
    SELECT
        location_id,
        sum(cents) FILTER (WHERE type IN ('out', 'waste') AND NOT is_later) AS cogs,
        sum(cents) FILTER (WHERE type = 'waste' AND NOT is_later) AS waste,
        sum(price_cents) FILTER (WHERE type = 'out' AND NOT is_later) AS revenue,
        sum(CASE WHEN type IN ('in', 'adjustment') THEN cents ELSE -cents END)
            FILTER (WHERE is_later) AS later_cents,
        sum(CASE WHEN type IN ('in', 'adjustment') THEN items ELSE -items END)
            FILTER (WHERE is_later) AS later_items,
        sum(CASE WHEN type IN ('in', 'adjustment') THEN cents ELSE -cents END)
            FILTER (WHERE NOT is_later) AS net_cents
    FROM ledger
    GROUP BY location_id
),

stock AS (
    SELECT
        i.location_id,
        sum(i.quantity) AS items,
        sum(i.quantity * p.cents) AS cents
    FROM inventory_items AS i
    INNER JOIN (
        SELECT
            id,
            (cost * 100)::bigint AS cents
        FROM products
        OFFSET 0
    ) AS p ON p.id = i.product_id
    GROUP BY i.location_id
),

sums AS (
    SELECT
        l.id,
        coalesce(s.cents, 0) - coalesce(f.later_cents, 0) AS closing,
        coalesce(s.items, 0) - coalesce(f.later_items, 0) AS items,
        coalesce(f.net_cents, 0) AS net,
        coalesce(f.cogs, 0) AS cogs,
        coalesce(f.waste, 0) AS waste,
        coalesce(f.revenue, 0) AS revenue
    FROM locations AS l
    LEFT JOIN stock AS s ON s.location_id = l.id
    LEFT JOIN flows AS f ON f.location_id = l.id
    WHERE l.is_active
)

SELECT
    id,
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
FROM sums
