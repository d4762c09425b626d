-- name: _planned_periods
-- Purpose: part of compose_snapshots: which snapshots are to be composed from days, and why.
-- Parameters: has_longer (whether weeks and months are to be looked at); locations; period_type,
-- period_starts, period_ends (the wanted periods); week_start (0 is Monday); waiting_before (a date, or
-- NULL: weeks and months that end before it and hold a day written now are composed although
-- nobody asked for them).
-- Rows: one a period. Locks: none but ACCESS SHARE.
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
        unnest(%(period_starts)s::date [], %(period_ends)s::date []) AS s (period_start, period_end)
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


-- name: compose_snapshots
-- Purpose: compose snapshots from stored days and say how each stands to the row that is there.
-- Parts: planned_periods lists the periods; days is the relation of days. Parameters: force; locations,
-- first_day, last_day and period_types (bounds of what was planned, so that no more is read).
-- Rows: into the temporary table composed_snapshots, one a planned period; status is one of
-- incomplete (days are missing), adopted (an earlier row is kept), overflow, new, changed, same.
-- Rounding is half away from zero, once: quotients are cut in whole numbers.
-- Locks: none but ACCESS SHARE.
CREATE TEMPORARY TABLE composed_snapshots ON COMMIT DROP AS
WITH planned_periods AS ({planned_periods}),

sums AS (
    -- Slot by period, so that the days are looked up by their key whatever the planner knows.
    SELECT
        p.location_id,
        p.period_type,
        p.period_start,
        p.period_end,
        p.reason,
        p.is_requested,
        totals.*
    FROM planned_periods AS p
    CROSS JOIN LATERAL (
        SELECT
            count(*) = p.period_end - p.period_start + 1 AS is_complete,
            sum(d.revenue_cents) AS revenue_cents,
            sum(d.waste_cents) AS waste_cents,
            sum(d.cogs_cents) AS cogs_cents,
            sum(d.out_cents) + sum(d.waste_cents) AS left_cents,
            max(d.closing_items) FILTER (WHERE d.day = p.period_end) AS closing_items,
            max(d.closing_cents) FILTER (WHERE d.day = p.period_end) AS closing_cents,
            max(d.opening_cents) FILTER (WHERE d.day = p.period_start) AS opening_cents
        FROM {days} AS d
        WHERE
            d.location_id = p.location_id
            AND d.day >= p.period_start
            AND d.day <= p.period_end
    ) AS totals
),

quotients AS (
    SELECT
        *,
        opening_cents + closing_cents AS twice_average_cents,
        sign(cogs_cents)
        * div(400 * abs(cogs_cents) + opening_cents + closing_cents,
            2 * nullif(greatest(opening_cents + closing_cents, 0), 0)) * 0.01 AS ratio,
        sign(waste_cents) * sign(left_cents)
        * div(20000 * abs(waste_cents) + abs(left_cents), 2 * nullif(abs(left_cents), 0)) * 0.01
        AS percentage
    FROM sums
),

figures AS (
    SELECT
        location_id,
        period_type,
        period_start,
        period_end,
        reason,
        is_requested,
        is_complete,
        closing_cents * 0.01 AS total_inventory_value,
        closing_items AS total_items,
        CASE WHEN cogs_cents = 0 THEN 0 WHEN ratio < 1000000 AND ratio > -1000000 THEN ratio END
        AS turnover_ratio,
        waste_cents * 0.01 AS wastage_value,
        CASE
            WHEN left_cents = 0 THEN 0
            WHEN percentage < 1000 AND percentage > -1000 THEN percentage
        END AS wastage_percentage,
        revenue_cents * 0.01 AS revenue,
        cogs_cents * 0.01 AS cost_of_goods_sold,
        coalesce(abs(ratio) >= 1000000 AND cogs_cents <> 0, FALSE) AS ratio_overflows,
        coalesce(abs(percentage) >= 1000, FALSE) AS percentage_overflows,
        greatest(
            abs(closing_cents), abs(revenue_cents), abs(waste_cents), abs(cogs_cents)
        ) >= 1000000000000 OR abs(closing_items) > 2147483647 AS overflows
    FROM quotients
)

SELECT
    f.*,
    s.id AS snapshot_id,
    CASE
        WHEN s.id IS NOT NULL AND NOT %(force)s AND EXISTS (
            SELECT FROM {analytics}.analytics_snapshot_adopted AS a WHERE a.snapshot_id = s.id
        ) THEN 'adopted'
        WHEN NOT f.is_complete THEN 'incomplete'
        WHEN f.overflows THEN 'overflow'
        WHEN s.id IS NULL THEN 'new'
        WHEN ((
            s.period_end, s.total_inventory_value, s.total_items, s.turnover_ratio,
            s.wastage_value, s.wastage_percentage, s.revenue, s.cost_of_goods_sold
        ) IS DISTINCT FROM (
            f.period_end, f.total_inventory_value, f.total_items, f.turnover_ratio,
            f.wastage_value, f.wastage_percentage, f.revenue, f.cost_of_goods_sold
        )) THEN 'changed'
        ELSE 'same'
    END AS status
FROM figures AS f
LEFT JOIN {analytics}.analytics_snapshots AS s
    ON
        s.location_id = f.location_id
        AND s.period_type = f.period_type
        AND s.period_start = f.period_start
        AND s.location_id = any(%(locations)s)
        AND s.period_type = any(%(period_types)s)
        AND s.period_start >= %(first_day)s
        AND s.period_start <= %(last_day)s;
