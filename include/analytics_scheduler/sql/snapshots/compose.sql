-- name: _composed_snapshots
-- Purpose: compose the planned periods from stored days, and say how each compares with the stored
-- row: the status is a RowStatus.
-- Parameters: force; cogs_includes_waste.
-- Parts: stored_figures; composed_figures (the columns of the figures, of s and of f);
-- fitting_figures (the same of f, with NULL for each ratio or percentage that does not fit its
-- column); emptied_figures (the names of these); overflow (whether an amount does not fit its
-- column); _stored_days.
-- Rows: one per planned period.
WITH sums AS (
    -- One period at a time, so that its days are looked up by key, whatever the planner knows; and
    -- so is its stored row, below.
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
            sum(d.revenue_e7) AS revenue_e7,
            sum(d.waste_e7) AS waste_e7,
            sum(d.out_e7) + sum(d.waste_e7) AS left_e7,
            sum(d.out_e7)
            + CASE WHEN %(cogs_includes_waste)s THEN sum(d.waste_e7) ELSE 0 END AS cogs_e7,
            sum(d.out_e7)
            + CASE WHEN %(cogs_includes_waste)s THEN 0 ELSE sum(d.waste_e7) END AS other_cogs_e7,
            max(d.closing_e3) FILTER (WHERE d.day = p.period_end) AS closing_e3,
            max(d.closing_e7) FILTER (WHERE d.day = p.period_end) AS closing_e7,
            max(d.opening_e7) FILTER (WHERE d.day = p.period_start) AS opening_e7
        FROM ({_stored_days}) AS d
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
        sign(cogs_e7) * div(
            2 * 100 * 2 * abs(cogs_e7) + (opening_e7 + closing_e7),
            2 * nullif(greatest(opening_e7 + closing_e7, 0), 0)
        ) * 0.01 AS ratio,
        -- Wastage: the waste in percent of everything that left the stock, at cost. So n is
        -- 100 * waste and d is what left.
        sign(waste_e7) * sign(left_e7) * div(
            2 * 100 * 100 * abs(waste_e7) + abs(left_e7),
            2 * nullif(abs(left_e7), 0)
        ) * 0.01 AS percentage
    FROM sums
),

-- Once, because the planner would put each expression where its figure is compared and written.
figures AS MATERIALIZED (
    SELECT
        location_id,
        period_type,
        period_start,
        period_end,
        reason,
        is_requested,
        is_complete,
        round(closing_e7 * 0.0000001, 2) AS total_inventory_value,
        round(closing_e3 * 0.001) AS total_items,
        CASE WHEN cogs_e7 = 0 THEN 0 ELSE ratio END AS turnover_ratio,
        round(waste_e7 * 0.0000001, 2) AS wastage_value,
        CASE WHEN left_e7 = 0 THEN 0 ELSE percentage END AS wastage_percentage,
        round(revenue_e7 * 0.0000001, 2) AS revenue,
        round(cogs_e7 * 0.0000001, 2) AS cost_of_goods_sold,
        -- The same under the other COGS_INCLUDES_WASTE.
        round(other_cogs_e7 * 0.0000001, 2) AS other_cost_of_goods_sold
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
        f.other_cost_of_goods_sold,
        {fitting_figures},
        {emptied_figures} AS emptied
    FROM figures AS f
)

SELECT
    f.location_id,
    f.period_type,
    f.period_start,
    f.period_end,
    {composed_figures},
    f.emptied,
    f.is_requested,
    CASE
        WHEN
            s.cost_of_goods_sold <> f.cost_of_goods_sold
            AND (s.cost_of_goods_sold, s.wastage_value, s.revenue)
            = (f.other_cost_of_goods_sold, f.wastage_value, f.revenue)
            THEN 'settings'
        ELSE f.reason
    END AS reason,
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
LEFT JOIN LATERAL (
    SELECT before.* FROM {analytics}.analytics_snapshots AS before
    WHERE
        before.location_id = f.location_id
        AND before.period_type = f.period_type
        AND before.period_start = f.period_start
    ORDER BY before.period_start
    LIMIT 1
) AS s ON TRUE;


-- name: compose_snapshots
-- Purpose: compose the planned periods, to compare them with the stored rows.
-- Parameters: force; cogs_includes_waste.
-- Parts: _composed_snapshots.
-- Rows: into the temporary table composed_snapshots, one per planned period.
CREATE TEMPORARY TABLE composed_snapshots ON COMMIT DROP AS
{_composed_snapshots};


-- name: write_snapshots
-- Purpose: compose the requested periods, and those that hold a day written now, from stored days,
-- and write what is new or differs. A row that is right is not touched; one that changes leaves its
-- old figures as a revision.
-- Parameters: locations; period_type; period_starts; period_ends (the requested periods); days;
-- types; starts; ends (days that may have been written, each with every period that holds it: the
-- period's type, first and last day); owed_before (a date, or NULL: longer periods that end before
-- it are composed if they hold a day written now); force; cogs_includes_waste; run_id;
-- figure_names.
-- Parts: _composed_snapshots; figures; new_figures (the columns of the figures,
-- alone and of c).
-- Rows: one per period type, whether it was requested, status, and whether there is a stored row:
-- these, how many rows, and NULLs; and one per row that could not be written whole: the same, with
-- its location, first and last day, and the names of the figures that were left empty.
-- Locks: the rows written.
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
),

planned_periods AS MATERIALIZED (
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
    )
),

composed AS MATERIALIZED (
    {_composed_snapshots}
),

revised AS (
    INSERT INTO {analytics}.analytics_snapshot_revisions (
        location_id, period_type, period_start, period_end, old_figures, new_figures, reason,
        run_id
    )
    SELECT
        c.location_id,
        c.period_type,
        c.period_start,
        c.period_end,
        (
            SELECT jsonb_object_agg(f.key, f.value)
            FROM jsonb_each(to_jsonb(s.*)) AS f
            WHERE f.key = any(%(figure_names)s)
        ),
        (
            SELECT jsonb_object_agg(f.key, f.value)
            FROM jsonb_each(to_jsonb(c.*)) AS f
            WHERE f.key = any(%(figure_names)s)
        ),
        c.reason,
        %(run_id)s
    FROM composed AS c
    INNER JOIN {analytics}.analytics_snapshots AS s
        ON s.id = c.snapshot_id AND s.location_id = c.location_id
    WHERE c.status = 'changed'
    ORDER BY c.location_id, c.period_type, c.period_start
),

updated AS (
    UPDATE {analytics}.analytics_snapshots AS s
    SET (period_end, {figures}) = (c.period_end, {new_figures})
    FROM composed AS c
    WHERE s.id = c.snapshot_id AND s.location_id = c.location_id AND c.status = 'changed'
),

inserted AS (
    INSERT INTO {analytics}.analytics_snapshots (
        location_id, period_type, period_start, period_end, {figures}
    )
    SELECT location_id, period_type, period_start, period_end, {figures}
    FROM composed
    WHERE status = 'new'
    ORDER BY location_id, period_type, period_start
),

problems AS (
    SELECT
        location_id,
        period_type,
        period_start,
        period_end,
        emptied
    FROM composed
    WHERE
        status = 'overflow'
        OR status = 'incomplete' AND snapshot_id IS NULL
        OR status IN ('new', 'changed') AND cardinality(emptied) > 0
)

SELECT
    c.period_type,
    c.is_requested,
    c.status,
    c.snapshot_id IS NOT NULL AS has_row,
    count(*) AS snapshots,
    p.location_id,
    p.period_start AS first_day,
    p.period_end AS last_day,
    p.emptied
FROM composed AS c
LEFT JOIN problems AS p
    ON
        p.location_id = c.location_id
        AND p.period_type = c.period_type
        AND p.period_start = c.period_start
GROUP BY
    c.period_type, c.is_requested, c.status, has_row, p.location_id, p.period_start, p.period_end,
    p.emptied
ORDER BY p.location_id, p.period_start;
