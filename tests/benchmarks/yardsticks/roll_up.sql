-- A week or month from its stored days, for comparison: sums over their rows and nothing else.
-- `start` is the first day of the period, `end` the day after its last.
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
        d.location_id,
        max(d.closing_cents) FILTER (WHERE d.day = %(end)s::date - 1) AS closing,
        max(d.closing_items) FILTER (WHERE d.day = %(end)s::date - 1) AS items,
        sum(d.in_cents - d.out_cents - d.waste_cents + d.adjustment_cents) AS net,
        sum(d.cogs_cents) AS cogs,
        sum(d.waste_cents) AS waste,
        sum(d.revenue_cents) AS revenue
    FROM analytics_snapshot_days AS d
    WHERE d.day >= %(start)s AND d.day < %(end)s
    GROUP BY d.location_id
) AS sums
