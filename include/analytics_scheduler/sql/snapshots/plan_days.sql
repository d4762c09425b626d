-- name: plan_days
-- Purpose: decide which days of which locations are to be written, why, and at whose prices. A day
-- without a reason has not been stored before.
-- Parameters: locations (the batch's); first_day; last_day (of the requested periods); has_missing
-- (whether some of these days are not stored); gap_locations; gap_first_days (locations that lack
-- days before, each with the first day that is known of it); catchup_days (how far back gaps are
-- filled); changed_locations; changed_days (the first day of each location whose movements
-- changed); force; priced_at (the moment of the run's own prices); timezone;
-- period_type; period_starts (of the requested periods).
CREATE TEMPORARY TABLE wanted_days ON COMMIT DROP AS
WITH listed AS (
    SELECT location_id
    FROM unnest(%(locations)s::uuid[]) AS l (location_id)
),

-- A period that is kept as it is needs no days: its row is older than the package, or its days were
-- pruned after it had been composed.
kept AS (
    SELECT
        s.location_id,
        s.period_start,
        s.period_end
    FROM {analytics}.analytics_snapshots AS s
    WHERE
        NOT %(force)s
        AND s.location_id = any(%(locations)s)
        AND s.period_type = %(period_type)s
        AND s.period_start = any(%(period_starts)s)
        AND (
            s.period_type <> 'daily'
            OR s.id IN (SELECT snapshot_id FROM {analytics}.analytics_snapshot_adopted)
        )
),

missing AS (
    SELECT
        l.location_id,
        %(first_day)s::date + n.number AS day
    FROM listed AS l
    CROSS JOIN
        generate_series(
            0, CASE WHEN %(has_missing)s THEN %(last_day)s::date - %(first_day)s::date ELSE -1 END
        ) AS n (number)
    WHERE NOT EXISTS (
        SELECT FROM {analytics}.analytics_snapshot_days AS d
        WHERE
            d.location_id = l.location_id
            AND d.day = %(first_day)s::date + n.number
            AND d.location_id = any(%(locations)s)
            AND d.day >= %(first_day)s::date
            AND d.day <= %(last_day)s::date
    )
    AND NOT EXISTS (
        SELECT FROM kept AS k
        WHERE
            k.location_id = l.location_id
            AND %(first_day)s::date + n.number >= k.period_start
            AND %(first_day)s::date + n.number <= k.period_end
    )
),

-- Days that are missing before the requested ones, but none before the first known day.
gaps AS (
    SELECT
        l.location_id,
        n.day
    FROM
        unnest(%(gap_locations)s::uuid[], %(gap_first_days)s::date[]) AS l (location_id, first_day)
    CROSS JOIN
        LATERAL (
            SELECT s.number + %(first_day)s::date AS day
            FROM generate_series(
                greatest(l.first_day - %(first_day)s::date, -%(catchup_days)s::integer), -1
            ) AS s (number)
        ) AS n
    WHERE
        NOT EXISTS (
            SELECT FROM {analytics}.analytics_snapshot_days AS d
            WHERE d.location_id = l.location_id AND d.day = n.day
        )
        AND NOT EXISTS (
            SELECT FROM {analytics}.analytics_snapshots AS s
            INNER JOIN {analytics}.analytics_snapshot_adopted AS a ON a.snapshot_id = s.id
            WHERE
                s.location_id = l.location_id
                AND s.period_type = 'daily' AND s.period_start = n.day
        )
),

changed AS (
    SELECT
        d.location_id,
        d.day,
        d.priced_at
    FROM
        unnest(%(changed_locations)s::uuid[], %(changed_days)s::date[]) AS c (location_id, day)
    INNER JOIN {analytics}.analytics_snapshot_days AS d
        ON d.location_id = c.location_id AND d.day >= c.day
),

forced AS (
    SELECT
        d.location_id,
        d.day,
        d.timezone <> %(timezone)s AS has_other_settings
    FROM {analytics}.analytics_snapshot_days AS d
    WHERE
        %(force)s
        AND d.location_id = any(%(locations)s)
        AND d.day >= %(first_day)s::date
        AND d.day <= %(last_day)s::date
        AND d.priced_at < %(priced_at)s
)

SELECT
    location_id,
    day,
    %(priced_at)s::timestamptz AS priced_at,
    NULL::text AS reason
FROM missing
UNION ALL
SELECT
    location_id,
    day,
    %(priced_at)s::timestamptz AS priced_at,
    NULL::text AS reason
FROM gaps
UNION ALL
SELECT
    location_id,
    day,
    %(priced_at)s::timestamptz AS priced_at,
    CASE WHEN has_other_settings THEN 'settings' ELSE 're-run' END AS reason
FROM forced
UNION ALL
SELECT
    c.location_id,
    c.day,
    c.priced_at,
    'late data' AS reason
FROM changed AS c
WHERE NOT EXISTS (
    SELECT FROM forced AS f
    WHERE f.location_id = c.location_id AND f.day = c.day
);
