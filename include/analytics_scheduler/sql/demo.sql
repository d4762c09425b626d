-- name: count_snapshots
-- Purpose: count the snapshots of each period type.
-- Parameters: period_types (in the order of the rows).
-- Rows: one per period type that has snapshots.
SELECT
    period_type,
    count(*) AS row_count
FROM {analytics}.analytics_snapshots
GROUP BY period_type
ORDER BY array_position(%(period_types)s::text[], period_type::text);


-- name: list_latest_snapshots
-- Purpose: read the snapshots of the latest period of each type.
-- Parameters: period_types (in the order of the rows).
-- Parts: figures (the columns of metrics.py).
-- Rows: one per period type and location.
SELECT
    s.period_type,
    s.period_start,
    s.period_end,
    l.name AS location_name,
    {figures}
FROM {analytics}.analytics_snapshots AS s
INNER JOIN {source}.locations AS l ON s.location_id = l.id
WHERE
    s.period_start = (
        SELECT max(latest.period_start)
        FROM {analytics}.analytics_snapshots AS latest
        WHERE latest.period_type = s.period_type
    )
ORDER BY
    array_position(%(period_types)s::text[], s.period_type::text),
    l.name,
    l.id;
