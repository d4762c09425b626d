-- name: count_composed
-- Purpose: how many composed snapshots stand how.
-- Rows: one a period, status and whether it was asked for.
SELECT
    period_type,
    is_requested,
    status,
    snapshot_id IS NOT NULL AS has_row,
    count(*) AS snapshots
FROM composed_snapshots
GROUP BY period_type, is_requested, status, has_row;


-- name: insert_revisions
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
ORDER BY c.location_id, c.period_type, c.period_start;


-- name: update_snapshots
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
WHERE s.id = c.snapshot_id AND s.location_id = c.location_id AND c.status = 'changed';


-- name: insert_snapshots
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
ORDER BY location_id, period_type, period_start;


-- name: list_composed_problems
-- Purpose: composed snapshots that could not be written whole. Rows: one a snapshot.
SELECT
    location_id,
    period_type,
    period_start,
    period_end,
    status,
    ratio_overflows,
    percentage_overflows
FROM composed_snapshots
WHERE
    status = 'overflow'
    OR status = 'incomplete' AND snapshot_id IS NULL
    OR status IN ('new', 'changed') AND (ratio_overflows OR percentage_overflows)
ORDER BY location_id, period_start;


-- name: find_missing_snapshots
-- Purpose: expected rows that are not there: active locations times wanted periods.
-- Parameters: period_type, period_starts, first_start (the first of these: no row that begins later
-- ends before it), after, until (ids, or NULL). Rows: one a missing row.
SELECT
    l.id,
    l.name,
    s.period_start
FROM {source}.locations AS l
CROSS JOIN unnest(%(period_starts)s::date []) AS s (period_start)
WHERE
    l.is_active
    AND (%(after)s::uuid IS NULL OR l.id > %(after)s::uuid)
    AND (%(until)s::uuid IS NULL OR l.id <= %(until)s::uuid)
    AND NOT EXISTS (
        SELECT FROM {analytics}.analytics_snapshots AS written
        WHERE
            written.location_id = l.id
            AND written.period_type = %(period_type)s
            AND written.period_start = s.period_start
            AND written.period_end >= %(first_start)s
    )
ORDER BY l.id, s.period_start;
