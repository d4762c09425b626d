-- name: plan_periods
-- Purpose: decide which periods are composed from days, and why: the requested ones, and those that
-- hold a day written now and are stored already or owed.
-- Parameters: locations; period_type; period_starts; period_ends (the requested periods); days;
-- types; starts; ends (days that may have been written, each with every period that holds it: the
-- period's type, first and last day); owed_before (a date, or NULL: longer periods that end before
-- it are composed if they hold a day written now).
CREATE TEMPORARY TABLE planned_periods ON COMMIT DROP AS
WITH holding AS (
    SELECT
        p.day,
        p.period_type,
        p.period_start,
        p.period_end
    FROM
        unnest(
            %(days)s::date[], %(types)s::text[], %(starts)s::date[], %(ends)s::date[]
        ) AS p (day, period_type, period_start, period_end)
),

affected AS (
    SELECT
        w.location_id,
        p.period_type,
        p.period_start,
        p.period_end,
        w.reason
    FROM written_days AS w
    INNER JOIN holding AS p ON p.day = w.day
),

candidates AS (
    SELECT
        l.location_id,
        %(period_type)s::text AS period_type,
        s.period_start,
        s.period_end,
        NULL::text AS reason,
        TRUE AS is_requested,
        TRUE AS is_owed
    FROM unnest(%(locations)s::uuid[]) AS l (location_id)
    CROSS JOIN
        unnest(%(period_starts)s::date[], %(period_ends)s::date[]) AS s (period_start, period_end)
    UNION ALL
    SELECT
        location_id,
        period_type,
        period_start,
        period_end,
        reason,
        FALSE AS is_requested,
        period_type = 'daily' OR coalesce(period_end < %(owed_before)s::date, FALSE)
            AS is_owed
    FROM affected
)

SELECT
    c.location_id,
    c.period_type,
    c.period_start,
    c.period_end,
    CASE
        WHEN bool_or(c.reason = 'late data') THEN 'late data'
        WHEN bool_or(c.reason = 'settings') THEN 'settings'
        ELSE 're-run'
    END AS reason,
    bool_or(c.is_requested) AS is_requested
FROM candidates AS c
GROUP BY c.location_id, c.period_type, c.period_start, c.period_end
HAVING bool_or(c.is_owed) OR EXISTS (
    SELECT FROM {analytics}.analytics_snapshots AS s
    WHERE
        s.location_id = c.location_id
        AND s.period_type = c.period_type AND s.period_start = c.period_start
);


-- name: compose_snapshots
-- Purpose: compose the planned periods from stored days, and say how each compares with the stored
-- row: the status is a RowStatus.
-- Parameters: force; locations; first_start; last_start; period_types (bounds of what is planned,
-- so that no more is read).
-- Parts: stored_figures; composed_figures (the columns of the figures, of s and of f);
-- fitting_figures (the same of f, with NULL for each ratio or percentage that does not fit its
-- column); emptied_figures (the names of these); overflow (whether an amount does not fit its
-- column).
CREATE TEMPORARY TABLE composed_snapshots ON COMMIT DROP AS
WITH sums AS (
    -- One period at a time, so that its days are looked up by key, whatever the planner knows.
    SELECT
        p.location_id,
        p.period_type,
        p.period_start,
        p.period_end,
        p.reason,
        p.is_requested,
        totals.*
    FROM pg_temp.planned_periods AS p
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
        FROM {analytics}.analytics_snapshot_days AS d
        WHERE
            d.location_id = p.location_id
            AND d.day >= p.period_start
            AND d.day <= p.period_end
    ) AS totals
),

-- Both quotients are rounded to hundredths once, half away from zero, in whole numbers: for n and d
-- above 0 that is div(2 * 100 * n + d, 2 * d) hundredths.
quotients AS (
    SELECT
        *,
        -- Turnover: the cost of goods sold divided by the average of opening and closing value,
        -- cogs / ((opening + closing) / 2). So n is 2 * cogs and d is opening + closing. There is
        -- no ratio if the average is 0 or negative.
        sign(cogs_cents) * div(
            2 * 100 * 2 * abs(cogs_cents) + (opening_cents + closing_cents),
            2 * nullif(greatest(opening_cents + closing_cents, 0), 0)
        ) * 0.01 AS ratio,
        -- Wastage: the waste in percent of everything that left the stock, at cost. So n is
        -- 100 * waste and d is what left.
        sign(waste_cents) * sign(left_cents) * div(
            2 * 100 * 100 * abs(waste_cents) + abs(left_cents),
            2 * nullif(abs(left_cents), 0)
        ) * 0.01 AS percentage
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
        CASE WHEN cogs_cents = 0 THEN 0 ELSE ratio END AS turnover_ratio,
        waste_cents * 0.01 AS wastage_value,
        CASE WHEN left_cents = 0 THEN 0 ELSE percentage END AS wastage_percentage,
        revenue_cents * 0.01 AS revenue,
        cogs_cents * 0.01 AS cost_of_goods_sold
    FROM quotients
),

fitted AS (
    SELECT
        f.location_id,
        f.period_type,
        f.period_start,
        f.period_end,
        f.reason,
        f.is_requested,
        f.is_complete,
        {fitting_figures},
        {emptied_figures} AS emptied
    FROM figures AS f
)

SELECT
    f.*,
    s.id AS snapshot_id,
    CASE
        WHEN s.id IS NOT NULL AND NOT %(force)s AND EXISTS (
            SELECT FROM {analytics}.analytics_snapshot_adopted AS a WHERE a.snapshot_id = s.id
        ) THEN 'adopted'
        WHEN NOT f.is_complete THEN 'incomplete'
        WHEN {overflow} THEN 'overflow'
        WHEN s.id IS NULL THEN 'new'
        WHEN ((s.period_end, {stored_figures}) IS DISTINCT FROM (f.period_end, {composed_figures}))
            THEN 'changed'
        ELSE 'same'
    END AS status
FROM fitted AS f
LEFT JOIN {analytics}.analytics_snapshots AS s
    ON
        s.location_id = f.location_id
        AND s.period_type = f.period_type
        AND s.period_start = f.period_start
        AND s.location_id = any(%(locations)s::uuid[])
        AND s.period_type = any(%(period_types)s)
        AND s.period_start >= %(first_start)s
        AND s.period_start <= %(last_start)s;
