-- Every day of a range in one statement, for comparison: one grouping of the ledger by location and
-- day, one aggregate over the stock, and a running sum back from it. `starts` are the first instants
-- of the days and of the day after the last.
INSERT INTO best_snapshots (
    location_id, period_type, period_start, period_end, total_inventory_value, total_items,
    turnover_ratio, wastage_value, wastage_percentage, revenue, cost_of_goods_sold
)
WITH priced AS (
    SELECT
        id,
        (cost * 100)::bigint AS cents,
        (price * 100)::bigint AS price_cents
    FROM products
),

ledger AS (
    SELECT
        m.location_id,
        width_bucket(m.created_at, %(starts)s::timestamp []) AS bucket,
        m.type,
        sum(m.quantity) AS items,
        sum(m.quantity * p.cents) AS cents,
        sum(m.quantity * p.price_cents) AS price_cents
    FROM stock_movements AS m
    INNER JOIN (SELECT * FROM priced OFFSET 0) AS p ON p.id = m.product_id
    WHERE m.created_at >= %(start)s::timestamp
    GROUP BY m.location_id, bucket, m.type
),

flows AS (
    SELECT
        location_id,
        bucket,
        coalesce(sum(cents) FILTER (WHERE type IN ('out', 'waste')), 0) AS cogs,
        coalesce(sum(cents) FILTER (WHERE type = 'waste'), 0) AS waste,
        coalesce(sum(price_cents) FILTER (WHERE type = 'out'), 0) AS revenue,
        sum(CASE WHEN type IN ('in', 'adjustment') THEN cents ELSE -cents END) AS net,
        sum(CASE WHEN type IN ('in', 'adjustment') THEN items ELSE -items END) AS net_items
    FROM ledger
    GROUP BY location_id, bucket
),

stock AS (
    SELECT
        i.location_id,
        sum(i.quantity) AS items,
        sum(i.quantity * p.cents) AS cents
    FROM inventory_items AS i
    INNER JOIN (SELECT * FROM priced OFFSET 0) AS p ON p.id = i.product_id
    GROUP BY i.location_id
),

sums AS (
    SELECT
        l.id,
        b.bucket,
        coalesce(s.cents, 0) - coalesce(sum(f.net) OVER later, 0) AS closing,
        coalesce(s.items, 0) - coalesce(sum(f.net_items) OVER later, 0) AS items,
        coalesce(f.net, 0) AS net,
        coalesce(f.cogs, 0) AS cogs,
        coalesce(f.waste, 0) AS waste,
        coalesce(f.revenue, 0) AS revenue
    FROM locations AS l
    CROSS JOIN generate_series(1, %(days)s::integer + 1) AS b (bucket)
    LEFT JOIN stock AS s ON s.location_id = l.id
    LEFT JOIN flows AS f ON f.location_id = l.id AND f.bucket = b.bucket
    WHERE l.is_active
    WINDOW later AS (
        PARTITION BY l.id ORDER BY b.bucket DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
)

SELECT
    id,
    'daily',
    %(start)s::date + bucket - 1,
    %(start)s::date + bucket - 1,
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
WHERE bucket <= %(days)s
