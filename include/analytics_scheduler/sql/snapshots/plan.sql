-- name: create_batch_tables
-- Purpose: the temporary tables that a batch fills pass by pass.
CREATE TEMPORARY TABLE written_days (
    location_id UUID NOT NULL,
    day DATE NOT NULL,
    reason TEXT
) ON COMMIT DROP;
CREATE TEMPORARY TABLE revaluations (
    location_id UUID NOT NULL,
    day DATE NOT NULL,
    cents BIGINT NOT NULL
) ON COMMIT DROP;


-- name: _first_known_day
-- Purpose: part of other statements: the first day that is known of location l, stored or adopted.
SELECT
    least(
        (
            SELECT min(d.day)
            FROM {analytics}.analytics_snapshot_days AS d
            WHERE d.location_id = l.location_id
        ), (
            SELECT min(s.period_start)
            FROM {analytics}.analytics_snapshots AS s
            WHERE s.location_id = l.location_id AND s.period_type = 'daily'
        )
    )


-- name: read_stored_days
-- Purpose: what is stored already of a batch's locations, as far as the run must know.
-- Parameters: locations; first_day, last_day (of the wanted periods); lookback_days, catchup_days.
-- Rows: one: the first stored day that is looked back on and the last stored day (NULL where there
-- is none), how many days of the wanted periods are there, and whether a day is missing within the
-- days that are caught up on.
WITH recent AS (
    SELECT
        location_id,
        min(day) FILTER (WHERE day >= %(first_day)s::date - %(lookback_days)s::integer)
        AS first_day,
        max(day) AS last_day,
        count(*) FILTER (
            WHERE day >= %(first_day)s::date AND day <= %(last_day)s::date
        ) AS wanted_days,
        count(*) FILTER (
            WHERE
            day >= %(first_day)s::date - %(catchup_days)s::integer
            AND day < %(first_day)s::date
        ) AS stored_days
    FROM {analytics}.analytics_snapshot_days
    WHERE
        location_id = any(%(locations)s)
        AND day >= %(first_day)s::date
        - greatest(%(lookback_days)s::integer, %(catchup_days)s::integer)
    GROUP BY location_id
)

SELECT
    min(r.first_day) AS first_day,
    max(r.last_day) AS last_day,
    coalesce(sum(r.wanted_days), 0)::bigint AS wanted_days,
    coalesce(
        bool_or(
            coalesce(r.stored_days, 0) < %(catchup_days)s::integer
            AND coalesce(r.stored_days, 0) < %(first_day)s::date - ({first_known_day})
        ), FALSE
    ) AS has_gaps
FROM unnest(%(locations)s::uuid []) AS l (location_id)
LEFT JOIN recent AS r ON r.location_id = l.location_id;


-- name: has_composed_periods
-- Purpose: is any of the wanted periods there already? Parameters: locations, period_type,
-- period_starts. Rows: one.
SELECT TRUE AS is_there
WHERE EXISTS (
    SELECT FROM {analytics}.analytics_snapshots
    WHERE
        location_id = any(%(locations)s)
        AND period_type = %(period_type)s
        AND period_start = any(%(period_starts)s)
);


-- name: find_changed_days
-- Purpose: the first day of each location whose movements are not those that were processed.
-- Parameters: locations (uuid[]), starts (first instants of the days and of the day after the
-- last), first_day, day_count, timezone. Rows: one a location with a changed day.
-- Materialized, or the planner, who expects far too many buckets, sorts all movements for the join.
WITH found AS MATERIALIZED (
    SELECT
        m.location_id,
        width_bucket(m.created_at, %(starts)s) AS bucket,
        count(*) AS movements,
        sum({fingerprint}) AS fingerprint
    FROM {source}.stock_movements AS m
    WHERE
        m.created_at >= %(first_start)s
        AND m.created_at < %(last_end)s
        AND {located}
    GROUP BY m.location_id, bucket
)

SELECT
    d.location_id,
    min(d.day) AS first_changed_day
FROM {analytics}.analytics_snapshot_days AS d
LEFT JOIN found AS f
    ON f.location_id = d.location_id AND f.bucket = d.day - %(first_day)s::date + 1
WHERE
    d.location_id = any(%(locations)s)
    AND d.day >= %(first_day)s::date
    AND d.day < %(first_day)s::date + %(day_count)s::integer
    AND d.timezone = %(timezone)s
    AND (d.movements, d.fingerprint) IS DISTINCT FROM (
        coalesce(f.movements, 0), coalesce(f.fingerprint, 0)::bigint
    )
GROUP BY d.location_id;


-- name: group_wanted_days
-- Purpose: group the locations whose wanted days have the same extent, for the passes.
-- Parameters: size (how many locations the batch has). Rows: one an extent, moment of prices and
-- kind (missing or stored), with its locations in order, or NULL where it is all of the batch.
WITH extents AS (
    SELECT
        location_id,
        priced_at,
        reason IS NULL AS is_missing,
        min(day) AS first_day,
        max(day) AS last_day
    FROM wanted_days
    GROUP BY location_id, priced_at, is_missing
)

SELECT
    priced_at,
    is_missing,
    first_day,
    last_day,
    CASE WHEN count(*) < %(size)s THEN array_agg(location_id ORDER BY location_id) END AS locations
FROM extents
GROUP BY priced_at, is_missing, first_day, last_day;


-- name: find_neighbours
-- Purpose: of locations, those whose stored day before or after a stretch of days can carry it.
-- Parameters: locations, first_day, last_day, priced_from, priced_until (moments between which no
-- price changed; priced_until may be NULL), timezone. Rows: one a location: after, before or both.
SELECT
    location_id,
    bool_or(day = %(last_day)s::date + 1) AS has_day_after,
    bool_or(day = %(first_day)s::date - 1) AS has_day_before
FROM {analytics}.analytics_snapshot_days
WHERE
    location_id = any(%(locations)s)
    AND day IN (%(last_day)s::date + 1, %(first_day)s::date - 1)
    AND timezone = %(timezone)s
    AND priced_at >= %(priced_from)s
    AND (%(priced_until)s::timestamptz IS NULL OR priced_at < %(priced_until)s)
GROUP BY location_id;
