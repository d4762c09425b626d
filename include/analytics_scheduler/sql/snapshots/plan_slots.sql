-- Purpose: part of compose_snapshots: which snapshots are to be composed from days, and why.
-- Parameters: has_longer (whether weeks and months are to be looked at); locations; period_type,
-- slot_starts, slot_ends (the wanted slots); week_start (0 is Monday); waiting_before (a date, or
-- NULL: weeks and months that end before it and hold a day written now are composed although
-- nobody asked for them).
-- Rows: one a slot. Locks: none but ACCESS SHARE.
WITH written AS (
    SELECT
        w.location_id,
        w.day,
        w.reason,
        w.day
        - mod(extract(ISODOW FROM w.day)::integer + 6 - %(week_start)s::integer, 7) AS week,
        date_trunc('month', w.day)::date AS month
    FROM written_days AS w
),

touched AS (
    SELECT
        location_id,
        'daily' AS period_type,
        day AS period_start,
        day AS period_end,
        reason
    FROM written
    UNION ALL
    SELECT
        location_id,
        'weekly' AS period_type,
        week AS period_start,
        week + 6 AS period_end,
        reason
    FROM written
    WHERE %(has_longer)s
    UNION ALL
    SELECT
        location_id,
        'monthly' AS period_type,
        month AS period_start,
        (month + INTERVAL '1 month')::date - 1 AS period_end,
        reason
    FROM written
    WHERE %(has_longer)s
),

wanted AS (
    SELECT
        l.location_id,
        %(period_type)s::text AS period_type,
        s.period_start,
        s.period_end,
        NULL::text AS reason,
        TRUE AS is_requested,
        TRUE AS is_wanted
    FROM unnest(%(locations)s::uuid []) AS l (location_id)
    CROSS JOIN
        unnest(%(slot_starts)s::date [], %(slot_ends)s::date []) AS s (period_start, period_end)
    UNION ALL
    SELECT
        location_id,
        period_type,
        period_start,
        period_end,
        reason,
        FALSE AS is_requested,
        period_type = 'daily' OR coalesce(period_end < %(waiting_before)s::date, FALSE)
        AS is_wanted
    FROM touched
)

SELECT
    w.location_id,
    w.period_type,
    w.period_start,
    w.period_end,
    CASE
        WHEN bool_or(w.reason = 'late data') THEN 'late data'
        WHEN bool_or(w.reason = 'settings') THEN 'settings'
        ELSE 're-run'
    END AS reason,
    bool_or(w.is_requested) AS is_requested
FROM wanted AS w
GROUP BY w.location_id, w.period_type, w.period_start, w.period_end
HAVING bool_or(w.is_wanted) OR EXISTS (
    SELECT FROM {analytics}.analytics_snapshots AS s
    WHERE
        s.location_id = w.location_id
        AND s.period_type = w.period_type AND s.period_start = w.period_start
)
