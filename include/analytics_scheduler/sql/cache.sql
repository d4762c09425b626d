-- name: lock_publishing
-- Purpose: let one publish of a period run at a time, so that older figures never overwrite newer.
-- Parameters: period_type; lock_timeout (milliseconds). Rows: one.
-- Locks: an advisory one until the transaction ends.
SELECT
    set_config('lock_timeout', %(lock_timeout)s, TRUE) AS lock_timeout,
    pg_advisory_xact_lock(
        hashtextextended('analytics_scheduler publish ' || %(period_type)s, 0)
    ) AS is_our_turn;


-- name: list_latest_figures
-- Purpose: the latest figures of every active location, each figure as its exact decimal text.
-- Parameters: period_type. Rows: one a location that has a row: location_id, entry (JSON).
-- Locks: none but ACCESS SHARE.
SELECT
    l.id::text AS location_id,
    row_to_json(latest)::text AS entry
FROM {source}.locations AS l
CROSS JOIN
    LATERAL (
        SELECT
            s.location_id,
            s.period_type,
            s.period_start,
            s.period_end,
            s.total_inventory_value::text AS total_inventory_value,
            s.total_items::text AS total_items,
            s.turnover_ratio::text AS turnover_ratio,
            s.wastage_value::text AS wastage_value,
            s.wastage_percentage::text AS wastage_percentage,
            s.revenue::text AS revenue,
            s.cost_of_goods_sold::text AS cost_of_goods_sold
        FROM {analytics}.analytics_snapshots AS s
        WHERE s.location_id = l.id AND s.period_type = %(period_type)s
        ORDER BY s.period_start DESC
        LIMIT 1
    ) AS latest
WHERE l.is_active;
