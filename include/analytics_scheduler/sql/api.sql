-- name: read_coverage
-- Purpose: count the active locations, and those of them that have their snapshot, by period.
-- Parameters: period_types, period_starts (arrays of one length: together they name the periods).
-- Rows: one per period, in the order of the arrays.
WITH active AS (
    SELECT id FROM {source}.locations
    WHERE is_active
),

periods AS (
    SELECT
        period_type,
        period_start,
        place
    FROM
        unnest(%(period_types)s::text[], %(period_starts)s::date[])
        WITH ORDINALITY AS named (period_type, period_start, place)
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
    (SELECT count(*) FROM active) AS expected,
    coalesce(written.locations, 0) AS written
FROM periods
LEFT JOIN written ON periods.place = written.place
ORDER BY periods.place;


-- name: read_snapshots
-- Purpose: read one page of snapshots, in the order of their unique key.
-- Parameters: period_type, location_id, first_day, last_day (each NULL for any);
-- after_location, after_type, after_start (the key of the row before the page, or NULL for the
-- first page); page_rows (how many rows).
-- Parts: figures (the columns of snapshots/metrics.py).
-- Rows: up to page_rows.
SELECT
    id,
    location_id,
    period_type,
    period_start,
    period_end,
    {figures},
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
