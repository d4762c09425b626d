-- Purpose: keep the old figures of every snapshot that is about to change, the new ones and why.
-- Parameters: run_id. Locks: the rows written.
INSERT INTO {analytics}.analytics_snapshot_revisions (
    location_id, period_type, period_start, period_end, old_figures, new_figures, reason, run_id
)
SELECT
    c.location_id,
    c.period_type,
    c.period_start,
    c.period_end,
    jsonb_build_object(
        'total_inventory_value', s.total_inventory_value,
        'total_items', s.total_items,
        'turnover_ratio', s.turnover_ratio,
        'wastage_value', s.wastage_value,
        'wastage_percentage', s.wastage_percentage,
        'revenue', s.revenue,
        'cost_of_goods_sold', s.cost_of_goods_sold
    ),
    jsonb_build_object(
        'total_inventory_value', c.total_inventory_value,
        'total_items', c.total_items,
        'turnover_ratio', c.turnover_ratio,
        'wastage_value', c.wastage_value,
        'wastage_percentage', c.wastage_percentage,
        'revenue', c.revenue,
        'cost_of_goods_sold', c.cost_of_goods_sold
    ),
    c.reason,
    %(run_id)s
FROM composed_snapshots AS c
INNER JOIN {analytics}.analytics_snapshots AS s
    ON s.id = c.snapshot_id AND s.location_id = c.location_id
WHERE c.status = 'changed'
ORDER BY c.location_id, c.period_type, c.period_start
