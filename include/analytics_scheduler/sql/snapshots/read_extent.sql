-- Purpose: what is stored already of a batch's locations, as far as the run must know.
-- Parameters: locations; first_day, last_day (of the wanted slots); lookback_days, catchup_days.
-- Rows: one: the first stored day that is looked back on and the last stored day (NULL where there
-- is none), how many days of the wanted slots are there, and whether a day is missing within the
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
LEFT JOIN recent AS r ON r.location_id = l.location_id
