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
GROUP BY d.location_id
