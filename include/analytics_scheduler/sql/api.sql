-- name: read_coverage
-- Purpose: how many of the active locations have their row, for each of some periods.
-- Parameters: period_types, period_starts (arrays side by side). Rows: one a period, in their order.
-- Locks: none.
WITH active AS (
    SELECT id FROM {source}.locations
    WHERE is_active
),

periods AS (
    SELECT
        unnest(%(period_types)s::TEXT[]) AS period_type,
        unnest(%(period_starts)s::DATE[]) AS period_start,
        generate_series(1, cardinality(%(period_starts)s::DATE[])) AS place
),

written AS (
    SELECT
        periods.place,
        count(*) AS locations
    FROM periods
    INNER JOIN {analytics}.analytics_snapshots AS s
        ON periods.period_type = s.period_type AND periods.period_start = s.period_start
    INNER JOIN active ON s.location_id = active.id
    GROUP BY periods.place
)

SELECT
    periods.period_type,
    periods.period_start,
    (SELECT count(*) FROM active) AS expected,
    coalesce(written.locations, 0) AS written
FROM periods
LEFT JOIN written ON periods.place = written.place
ORDER BY periods.place;


-- name: read_snapshots
-- Purpose: one page of snapshots, in the order of their unique key.
-- Parameters: period_type, location_id, first_day, last_day (NULL: any); after_location,
-- after_type, after_start (NULL: from the beginning); page_rows. Rows: up to page_rows.
-- Locks: none.
SELECT
    id,
    location_id,
    period_type,
    period_start,
    period_end,
    total_inventory_value,
    total_items,
    turnover_ratio,
    wastage_value,
    wastage_percentage,
    revenue,
    cost_of_goods_sold,
    created_at
FROM {analytics}.analytics_snapshots
WHERE
    (%(period_type)s::text IS NULL OR period_type = %(period_type)s::text)
    AND (%(location_id)s::uuid IS NULL OR location_id = %(location_id)s::uuid)
    AND (%(first_day)s::date IS NULL OR period_end >= %(first_day)s::date)
    AND (%(last_day)s::date IS NULL OR period_start <= %(last_day)s::date)
    AND (
        %(after_location)s::uuid IS NULL
        OR (location_id, period_type, period_start)
        > (%(after_location)s::uuid, %(after_type)s::text, %(after_start)s::date)
    )
ORDER BY location_id, period_type, period_start
LIMIT %(page_rows)s;
