-- Purpose: bring stored snapshots to their composed figures, only where they differ.
-- Locks: the rows that change.
UPDATE {analytics}.analytics_snapshots AS s
SET
    period_end = c.period_end,
    total_inventory_value = c.total_inventory_value,
    total_items = c.total_items,
    turnover_ratio = c.turnover_ratio,
    wastage_value = c.wastage_value,
    wastage_percentage = c.wastage_percentage,
    revenue = c.revenue,
    cost_of_goods_sold = c.cost_of_goods_sold
FROM composed_snapshots AS c
WHERE s.id = c.snapshot_id AND s.location_id = c.location_id AND c.status = 'changed'
