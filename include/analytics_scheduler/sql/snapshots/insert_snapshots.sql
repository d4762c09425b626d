-- Purpose: write the composed snapshots that are new. Locks: the rows written.
INSERT INTO {analytics}.analytics_snapshots (
    location_id, period_type, period_start, period_end, total_inventory_value, total_items,
    turnover_ratio, wastage_value, wastage_percentage, revenue, cost_of_goods_sold
)
SELECT
    location_id, period_type, period_start, period_end, total_inventory_value, total_items,
    turnover_ratio, wastage_value, wastage_percentage, revenue, cost_of_goods_sold
FROM composed_snapshots
WHERE status = 'new'
ORDER BY location_id, period_type, period_start
