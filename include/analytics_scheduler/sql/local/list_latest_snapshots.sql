-- Purpose: the rows of the latest period of each kind, as the demo shows them.
-- Parameters: none.
-- Rows: one for each location and kind of period; daily first, then weekly, monthly.
-- Locks: none.
SELECT
    snapshot.period_type,
    snapshot.period_start,
    snapshot.period_end,
    location.name AS location,
    snapshot.total_items,
    snapshot.total_inventory_value,
    snapshot.revenue,
    snapshot.cost_of_goods_sold,
    snapshot.turnover_ratio,
    snapshot.wastage_value,
    snapshot.wastage_percentage
FROM {analytics}.analytics_snapshots AS snapshot
INNER JOIN {source}.locations AS location ON snapshot.location_id = location.id
WHERE snapshot.period_start = (
    SELECT max(latest.period_start)
    FROM {analytics}.analytics_snapshots AS latest
    WHERE latest.period_type = snapshot.period_type
)
ORDER BY
    array_position(ARRAY['daily', 'weekly', 'monthly'], snapshot.period_type::text),
    location.name,
    location.id
