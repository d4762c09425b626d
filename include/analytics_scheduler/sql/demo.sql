-- name: count_snapshots
-- Purpose: how many snapshots there are.
-- Parameters: none.
-- Rows: one for each kind of period, with its number of rows.
-- Locks: none.
SELECT
    period_type,
    count(*) AS row_count
FROM {analytics}.analytics_snapshots
GROUP BY period_type
ORDER BY strpos('daily weekly monthly', period_type);


-- name: list_latest_snapshots
-- Purpose: the rows of the latest period of each kind, as the demo shows them.
-- Parameters: none.
-- Rows: one for each location and kind of period; daily first, then weekly, monthly.
-- Locks: none.
SELECT
    taken.period_type,
    taken.period_start,
    taken.period_end,
    place.name AS location_name,
    taken.total_items,
    taken.total_inventory_value,
    taken.revenue,
    taken.cost_of_goods_sold,
    taken.turnover_ratio,
    taken.wastage_value,
    taken.wastage_percentage
FROM {analytics}.analytics_snapshots AS taken
INNER JOIN {source}.locations AS place ON taken.location_id = place.id
WHERE
    taken.period_start = (
        SELECT max(latest.period_start)
        FROM {analytics}.analytics_snapshots AS latest
        WHERE latest.period_type = taken.period_type
    )
ORDER BY
    strpos('daily weekly monthly', taken.period_type),
    place.name,
    place.id;
