-- Purpose: how many of the active locations have their row, for each of some slots.
-- Parameters: period_types, period_starts (arrays side by side). Rows: one a slot, in their order.
-- Locks: none.
WITH active AS (
    SELECT id FROM {source}.locations
    WHERE is_active
),

slots AS (
    SELECT
        unnest(%(period_types)s::TEXT[]) AS period_type,
        unnest(%(period_starts)s::DATE[]) AS period_start,
        generate_series(1, cardinality(%(period_starts)s::DATE[])) AS place
),

written AS (
    SELECT
        slots.place,
        count(*) AS locations
    FROM slots
    INNER JOIN {analytics}.analytics_snapshots AS s
        ON slots.period_type = s.period_type AND slots.period_start = s.period_start
    INNER JOIN active ON s.location_id = active.id
    GROUP BY slots.place
)

SELECT
    slots.period_type,
    slots.period_start,
    (SELECT count(*) FROM active) AS expected,
    coalesce(written.locations, 0) AS written
FROM slots
LEFT JOIN written ON slots.place = written.place
ORDER BY slots.place
