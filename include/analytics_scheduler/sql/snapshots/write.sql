-- name: write_days
-- Purpose: write the new days of a batch where they differ from what is stored, and remember which
-- they are.
-- Parameters: locations (the batch's); first_day (of the requested periods); timezone; run_id;
-- cogs_includes_waste; price_changes (the moments at which a price changed); longer_types (the
-- period types of several days).
-- Parts: _stored_days.
-- Rows: one: how many days were written; how many of them were missing before first_day; how many
-- were repaired; on how many the stock changed without a movement; the first and the last; and
-- whether stored periods of several days may hold some of them.
-- Locks: the rows written, and those of their locations.
WITH own AS (
    SELECT
        *,
        coalesce(lag(day) OVER days = day - 1, FALSE) AS follows,
        lag(closing_e3) OVER days AS last_e3,
        lag(closing_e7) OVER days AS last_e7,
        lag(priced_at) OVER days AS last_priced_at
    FROM new_days
    WHERE location_id = any(%(locations)s::uuid[])
    WINDOW days AS (PARTITION BY location_id ORDER BY day)
),

known AS (
    SELECT
        n.*,
        n.closing_e3 - n.in_e3 + n.out_e3 + n.waste_e3 - n.adjustment_e3 AS opening_e3,
        n.closing_e7 - n.in_e7 + n.out_e7 + n.waste_e7 - n.adjustment_e7 AS opening_e7,
        CASE WHEN n.follows THEN n.last_e3 ELSE before.closing_e3 END AS before_e3,
        CASE WHEN n.follows THEN n.last_e7 ELSE before.closing_e7 END AS before_e7,
        width_bucket(
            CASE WHEN n.follows THEN n.last_priced_at ELSE before.priced_at END,
            %(price_changes)s::timestamptz[]
        ) - width_bucket(n.priced_at, %(price_changes)s::timestamptz[]) AS repriced,
        coalesce(r.value_e7, 0) AS revaluation_e7
    FROM own AS n
    LEFT JOIN revaluations AS r ON r.location_id = n.location_id AND r.day = n.day
    -- One day at a time, so that it is looked up by key, whatever the planner knows.
    LEFT JOIN LATERAL (
        SELECT
            d.closing_e3,
            d.closing_e7,
            d.priced_at
        FROM ({_stored_days}) AS d
        WHERE
            NOT n.follows
            AND d.location_id = n.location_id
            AND d.day = n.day - 1
            AND d.timezone = %(timezone)s
        ORDER BY d.day
        LIMIT 1
    ) AS before ON TRUE
),

-- Stock that changed without a movement: the closing of the day before minus the opening, both at
-- the older of their prices. It is not known if the day before has newer ones.
explained AS (
    SELECT
        *,
        (before_e3 - opening_e3)::bigint AS unexplained_e3,
        CASE
            WHEN repriced <= 0 THEN (before_e7 - revaluation_e7 - opening_e7)::bigint
        END AS unexplained_e7
    FROM known
),

-- The amounts are truncated to whole pieces and cents; the remainders are stored beside them.
truncated AS (
    SELECT
        *,
        nullif(
            ARRAY[
                mod(in_e3, 1000), mod(out_e3, 1000), mod(waste_e3, 1000), mod(adjustment_e3, 1000),
                mod(closing_e3, 1000), mod(in_e7, 100000), mod(out_e7, 100000),
                mod(waste_e7, 100000), mod(adjustment_e7, 100000), mod(revenue_e7, 100000),
                mod(closing_e7, 100000), coalesce(mod(unexplained_e3, 1000), 0),
                coalesce(mod(unexplained_e7, 100000), 0)
            ]::integer[],
            array_fill(0, ARRAY[13])
        ) AS remainders
    FROM explained
),

written AS (
    INSERT INTO {analytics}.analytics_snapshot_days AS kept (
        location_id, day, movements, in_items, out_items, waste_items, adjustment_items, in_cents,
        out_cents, waste_cents, adjustment_cents, revenue_cents, cogs_cents, closing_items,
        closing_cents, unexplained_items, unexplained_cents, remainders, remainders_of,
        fingerprint, timezone, priced_at, processed_at, run_id
    )
    SELECT
        location_id,
        day,
        movements,
        in_e3 / 1000,
        out_e3 / 1000,
        waste_e3 / 1000,
        adjustment_e3 / 1000,
        in_e7 / 100000,
        out_e7 / 100000,
        waste_e7 / 100000,
        adjustment_e7 / 100000,
        revenue_e7 / 100000,
        -- Only versions before 0005_exact_figures read it.
        (out_e7 + CASE WHEN %(cogs_includes_waste)s THEN waste_e7 ELSE 0 END) / 100000,
        closing_e3 / 1000,
        closing_e7 / 100000,
        unexplained_e3 / 1000,
        unexplained_e7 / 100000,
        remainders,
        CASE WHEN remainders IS NOT NULL THEN statement_timestamp() END,
        fingerprint,
        %(timezone)s,
        priced_at,
        statement_timestamp(),
        %(run_id)s
    FROM truncated
    ORDER BY location_id, day
    ON CONFLICT (location_id, day) DO UPDATE
        SET
            movements = excluded.movements,
            in_items = excluded.in_items,
            out_items = excluded.out_items,
            waste_items = excluded.waste_items,
            adjustment_items = excluded.adjustment_items,
            in_cents = excluded.in_cents,
            out_cents = excluded.out_cents,
            waste_cents = excluded.waste_cents,
            adjustment_cents = excluded.adjustment_cents,
            revenue_cents = excluded.revenue_cents,
            cogs_cents = excluded.cogs_cents,
            closing_items = excluded.closing_items,
            closing_cents = excluded.closing_cents,
            unexplained_items = excluded.unexplained_items,
            unexplained_cents = excluded.unexplained_cents,
            remainders = excluded.remainders,
            remainders_of = excluded.remainders_of,
            fingerprint = excluded.fingerprint,
            timezone = excluded.timezone,
            priced_at = excluded.priced_at,
            processed_at = excluded.processed_at,
            run_id = excluded.run_id
        WHERE (
            kept.movements, kept.in_items, kept.out_items, kept.waste_items,
            kept.adjustment_items, kept.in_cents, kept.out_cents, kept.waste_cents,
            kept.adjustment_cents, kept.revenue_cents, kept.closing_items, kept.closing_cents,
            kept.unexplained_items, kept.unexplained_cents, kept.fingerprint, kept.timezone,
            kept.priced_at,
            CASE WHEN kept.remainders_of = kept.processed_at THEN kept.remainders END
        ) IS DISTINCT FROM (
            excluded.movements, excluded.in_items, excluded.out_items, excluded.waste_items,
            excluded.adjustment_items, excluded.in_cents, excluded.out_cents, excluded.waste_cents,
            excluded.adjustment_cents, excluded.revenue_cents, excluded.closing_items,
            excluded.closing_cents, excluded.unexplained_items, excluded.unexplained_cents,
            excluded.fingerprint, excluded.timezone, excluded.priced_at, excluded.remainders
        )
    RETURNING location_id, day, unexplained_items, unexplained_cents, remainders
),

marked AS (
    UPDATE {analytics}.analytics_snapshot_locations AS own
    SET written_in = pg_current_xact_id()
    WHERE
        own.location_id = any(%(locations)s::uuid[])
        AND own.location_id IN (SELECT location_id FROM written)
),

remembered AS (
    INSERT INTO written_days (location_id, day, reason)
    SELECT
        w.location_id,
        w.day,
        n.reason
    FROM written AS w
    INNER JOIN new_days AS n ON n.location_id = w.location_id AND n.day = w.day
    RETURNING day, reason
)

SELECT
    count(*) AS days_written,
    count(*) FILTER (WHERE reason IS NULL AND day < %(first_day)s::date) AS days_caught_up,
    count(*) FILTER (WHERE reason = 'late data') AS days_repaired,
    (
        SELECT count(*) FROM written
        WHERE
            unexplained_items <> 0 OR unexplained_cents <> 0
            OR remainders[12:13] <> ARRAY[0, 0]
    ) AS days_unexplained,
    min(day) AS first_written,
    max(day) AS last_written,
    min(day) < %(first_day)s::date OR EXISTS (
        SELECT FROM {analytics}.analytics_snapshots
        WHERE period_type = any(%(longer_types)s) AND period_end >= %(first_day)s::date
    ) AS has_longer
FROM remembered;


-- name: update_following_days
-- Purpose: say what of a stored day's opening is unexplained, now that the day before it was
-- written. The values of days at other prices cannot be compared: what was known stays if the
-- items are the same.
-- Parameters: locations; price_changes (the moments at which a price changed).
-- Parts: _stored_days.
-- Locks: the rows that change.
UPDATE {analytics}.analytics_snapshot_days AS later
SET
    unexplained_items = div(f.unexplained_e3, 1000),
    unexplained_cents = div(f.unexplained_e7, 100000),
    remainders = nullif(
        coalesce(
            CASE WHEN later.remainders_of = later.processed_at THEN later.remainders[1:11] END,
            array_fill(0, ARRAY[11])
        )
        || mod(f.unexplained_e3, 1000)::integer
        || coalesce(mod(f.unexplained_e7, 100000), 0)::integer,
        array_fill(0, ARRAY[13])
    ),
    remainders_of = later.processed_at
FROM (
    SELECT
        d.location_id,
        d.day,
        before.closing_e3 - d.opening_e3 AS unexplained_e3,
        CASE
            WHEN
                width_bucket(d.priced_at, %(price_changes)s::timestamptz[])
                = width_bucket(before.priced_at, %(price_changes)s::timestamptz[])
                THEN before.closing_e7 - d.opening_e7
            WHEN before.closing_e3 - d.opening_e3 = d.unexplained_e3 THEN d.unexplained_e7
        END AS unexplained_e7
    FROM written_days AS w
    INNER JOIN ({_stored_days}) AS before
        ON before.location_id = w.location_id AND before.day = w.day
    INNER JOIN ({_stored_days}) AS d
        ON
            d.location_id = w.location_id
            AND d.day = w.day + 1
            AND d.timezone = before.timezone
    WHERE
        d.location_id = any(%(locations)s::uuid[])
        AND NOT EXISTS (
            SELECT FROM written_days AS o
            WHERE o.location_id = w.location_id AND o.day = w.day + 1
        )
) AS f
WHERE later.location_id = f.location_id AND later.day = f.day;


-- name: list_unexplained
-- Purpose: list the days that the batch wrote whose stock changed without a movement.
-- Parameters: locations; first_day; last_day (bounds of what was written, so that no more is read).
-- Parts: _stored_days.
-- Rows: one per location and day: both, the items, and their value.
SELECT
    d.location_id,
    d.day,
    trim_scale(d.unexplained_e3 * 0.001) AS unexplained_items,
    round(d.unexplained_e7 * 0.0000001, 2) AS unexplained_value
FROM written_days AS w
INNER JOIN ({_stored_days}) AS d ON d.location_id = w.location_id AND d.day = w.day
WHERE
    d.location_id = any(%(locations)s::uuid[])
    AND d.day >= %(first_day)s
    AND d.day <= %(last_day)s
    AND (d.unexplained_e3 <> 0 OR d.unexplained_e7 <> 0)
ORDER BY d.location_id, d.day;


-- name: find_missing_snapshots
-- Purpose: find the rows that are expected, one per active location and requested period, and
-- are not there.
-- Parameters: period_type; period_starts; first_start (the first of these: no row that begins later
-- ends before it).
-- Rows: one per missing row: the location's id and name, and the first day of the period.
SELECT
    l.id,
    l.name,
    s.period_start
FROM {source}.locations AS l
CROSS JOIN unnest(%(period_starts)s::date[]) AS s (period_start)
WHERE
    l.is_active
    AND NOT EXISTS (
        SELECT FROM {analytics}.analytics_snapshots AS written
        WHERE
            written.location_id = l.id
            AND written.period_type = %(period_type)s
            AND written.period_start = s.period_start
            AND written.period_end >= %(first_start)s
    )
ORDER BY l.id, s.period_start;
