-- Purpose: compose snapshots from stored days and say how each stands to the row that is there.
-- Parts: planned_slots lists the slots; days is the relation of days. Parameters: force; locations,
-- first_day, last_day and period_types (bounds of what was planned, so that no more is read).
-- Rows: into the temporary table composed_snapshots, one a planned slot; status is one of
-- incomplete (days are missing), adopted (an earlier row is kept), overflow, new, changed, same.
-- Rounding is half away from zero, once: quotients are cut in whole numbers.
-- Locks: none but ACCESS SHARE.
CREATE TEMPORARY TABLE composed_snapshots ON COMMIT DROP AS
WITH planned_slots AS ({planned_slots}),

sums AS (
    -- Slot by slot, so that the days are looked up by their key whatever the planner knows.
    SELECT
        p.location_id,
        p.period_type,
        p.period_start,
        p.period_end,
        p.reason,
        p.is_requested,
        totals.*
    FROM planned_slots AS p
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
        AND s.period_start <= %(last_day)s
