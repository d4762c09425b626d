-- name: create_reading_tables
-- Purpose: make the temporary tables that a reading fills, for all batches that write from it. They
-- last as long as the session; written_days holds the days of one batch.
DROP TABLE IF EXISTS pg_temp.new_days, pg_temp.revaluations, pg_temp.written_days;
CREATE TEMPORARY TABLE new_days (
    location_id UUID NOT NULL,
    day DATE NOT NULL,
    priced_at TIMESTAMPTZ NOT NULL,
    reason TEXT,
    movements BIGINT NOT NULL,
    fingerprint BIGINT NOT NULL,
    in_e3 BIGINT NOT NULL,
    out_e3 BIGINT NOT NULL,
    waste_e3 BIGINT NOT NULL,
    adjustment_e3 BIGINT NOT NULL,
    closing_e3 BIGINT NOT NULL,
    in_e7 BIGINT NOT NULL,
    out_e7 BIGINT NOT NULL,
    waste_e7 BIGINT NOT NULL,
    adjustment_e7 BIGINT NOT NULL,
    revenue_e7 BIGINT NOT NULL,
    closing_e7 BIGINT NOT NULL
);
CREATE TEMPORARY TABLE revaluations (
    location_id UUID NOT NULL,
    day DATE NOT NULL,
    value_e7 NUMERIC NOT NULL
);
CREATE TEMPORARY TABLE written_days (
    location_id UUID NOT NULL,
    day DATE NOT NULL,
    reason TEXT
) ON COMMIT DELETE ROWS;


-- name: read_stored_days
-- Purpose: read what is stored of a batch's locations, as far as the run must know.
-- Parameters: locations (the batch's); first_day; last_day (of the requested periods);
-- lookback_days; catchup_days (how far back to look, 0 for a run that does neither).
-- Rows: one: the first stored day to look back on and the last stored day (NULL if there is none);
-- how many requested days are stored; and, for each location that lacks a day within catchup_days,
-- its id and the first day that is known of it, stored or adopted, in two arrays.
WITH recent AS (
    SELECT
        location_id,
        min(day) FILTER (WHERE day >= %(first_day)s::date - %(lookback_days)s::integer)
            AS first_day,
        max(day) AS last_day,
        count(*) FILTER (
            WHERE day >= %(first_day)s::date AND day <= %(last_day)s::date
        ) AS requested_days,
        count(*) FILTER (
            WHERE
            day >= %(first_day)s::date - %(catchup_days)s::integer
            AND day < %(first_day)s::date
        ) AS days_before
    FROM {analytics}.analytics_snapshot_days
    WHERE
        location_id = any(%(locations)s::uuid[])
        AND day >= %(first_day)s::date
        - greatest(%(lookback_days)s::integer, %(catchup_days)s::integer)
    GROUP BY location_id
),

known AS (
    SELECT
        l.location_id,
        r.first_day,
        r.last_day,
        r.requested_days,
        coalesce(r.days_before, 0) AS days_before,
        CASE
            WHEN coalesce(r.days_before, 0) < %(catchup_days)s::integer
                THEN least(
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
        END AS first_known_day
    FROM unnest(%(locations)s::uuid[]) AS l (location_id)
    LEFT JOIN recent AS r ON r.location_id = l.location_id
)

SELECT
    min(first_day) AS first_day,
    max(last_day) AS last_day,
    coalesce(sum(requested_days), 0)::bigint AS requested_days,
    coalesce(
        array_agg(location_id) FILTER (WHERE days_before < %(first_day)s::date - first_known_day),
        '{}'
    ) AS gap_locations,
    coalesce(
        array_agg(first_known_day)
        FILTER (WHERE days_before < %(first_day)s::date - first_known_day),
        '{}'
    ) AS gap_first_days
FROM known;


-- name: has_composed_periods
-- Purpose: say whether any of the requested periods is stored already.
-- Parameters: locations; period_type; period_starts.
-- Rows: one: true or false.
SELECT EXISTS(
    SELECT FROM {analytics}.analytics_snapshots
    WHERE
        location_id = any(%(locations)s::uuid[])
        AND period_type = %(period_type)s
        AND period_start = any(%(period_starts)s)
) AS has_composed_periods;


-- name: find_changed_days
-- Purpose: find the first day of each location whose movements are not those that were processed.
-- Both sides are added up rather than joined: what the planner expects of either can be far off.
-- Parameters: locations; after; until; by_id (whether to look locations up by their ids or read the
-- range between after and until); starts (the first instants of the days and of the day after the
-- last); first_start; last_end (the first and last of these); first_day; day_count; timezone.
-- Parts: movements (the source's, in whole pieces or in thousandths).
-- Rows: one per location with a changed day: its id and that day.
WITH counted AS (
    SELECT
        location_id,
        day,
        TRUE AS is_processed,
        movements,
        fingerprint
    FROM {analytics}.analytics_snapshot_days
    WHERE
        location_id = any(%(locations)s::uuid[])
        AND day >= %(first_day)s::date
        AND day < %(first_day)s::date + %(day_count)s::integer
        AND timezone = %(timezone)s
    UNION ALL
    SELECT
        m.location_id,
        %(first_day)s::date - 1 + width_bucket(m.created_at, %(starts)s) AS day,
        FALSE AS is_processed,
        -count(*) AS movements,
        -- As in compute_days.
        -sum(hashint8(uuid_hash_extended(m.product_id, m.fingerprinted))) AS fingerprint
    FROM ({movements}) AS m
    WHERE
        m.created_at >= %(first_start)s
        AND m.created_at < %(last_end)s
        AND (%(after)s::uuid IS NULL OR m.location_id > %(after)s::uuid)
        AND (%(until)s::uuid IS NULL OR m.location_id <= %(until)s::uuid)
        AND (NOT %(by_id)s OR m.location_id = any(%(locations)s::uuid[]))
    GROUP BY m.location_id, day
),

changed AS (
    SELECT
        location_id,
        day
    FROM counted
    GROUP BY location_id, day
    HAVING bool_or(is_processed) AND (sum(movements) <> 0 OR sum(fingerprint) <> 0)
)

SELECT
    location_id,
    min(day) AS first_changed_day
FROM changed
GROUP BY location_id;


-- name: group_wanted_days
-- Purpose: group the locations whose wanted days begin and end alike, so that one reading of the
-- ledger serves them all.
-- Parameters: size (how many locations the batch has).
-- Rows: one per group: the moment of its prices, whether its days are missing (or stored), the
-- first and last day, and its locations in order, or NULL if they are the whole batch.
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
-- Purpose: find the locations whose stored day before or after a group of days can carry it.
-- Parameters: locations; first_day; last_day; priced_from; priced_until (moments between which no
-- price changed; priced_until may be NULL); timezone.
-- Rows: one per location with such a day: its id, whether the day after and the day before is
-- there.
SELECT
    location_id,
    bool_or(day = %(last_day)s::date + 1) AS has_day_after,
    bool_or(day = %(first_day)s::date - 1) AS has_day_before
FROM {analytics}.analytics_snapshot_days
WHERE
    location_id = any(%(locations)s::uuid[])
    AND day IN (%(last_day)s::date + 1, %(first_day)s::date - 1)
    AND timezone = %(timezone)s
    AND priced_at >= %(priced_from)s
    AND (%(priced_until)s::timestamptz IS NULL OR priced_at < %(priced_until)s)
GROUP BY location_id;
