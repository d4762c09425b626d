-- Purpose: hold stored days against what the raw movements give at the days' own prices.
-- A closing may differ by what later days keep as unexplained: stock that was edited by hand.
-- Parameters: priced_from, priced_until (moments between which no price changed; priced_until may
-- be NULL). Rows: into day_findings, one a day that differs.
INSERT INTO day_findings (location_id, day, finding)
WITH unexplained AS (
    SELECT
        location_id,
        day,
        coalesce(
            sum(unexplained_items) OVER later, 0
        ) AS later_items
    FROM {analytics}.analytics_snapshot_days
    WHERE location_id IN (SELECT location_id FROM wanted_days)
    WINDOW later AS (
        PARTITION BY location_id ORDER BY day DESC
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
)

SELECT
    d.location_id,
    d.day,
    CASE
        WHEN
            ((d.movements, d.fingerprint) IS DISTINCT FROM (c.movements, c.fingerprint))
            OR ((
                d.in_cents, d.out_cents, d.waste_cents, d.adjustment_cents, d.revenue_cents
            ) IS DISTINCT FROM (
                c.in_cents, c.out_cents, c.waste_cents, c.adjustment_cents, c.revenue_cents
            )) THEN 'movements changed'
        WHEN d.closing_items - c.closing_items = u.later_items AND u.later_items <> 0
            THEN 'stock edited, as was noted'
        ELSE 'stock changed without a movement'
    END AS finding
FROM computed_days AS c
INNER JOIN wanted_days AS w ON w.location_id = c.location_id AND w.day = c.day
INNER JOIN {analytics}.analytics_snapshot_days AS d
    ON d.location_id = c.location_id AND d.day = c.day
INNER JOIN unexplained AS u ON u.location_id = d.location_id AND u.day = d.day
WHERE
    w.priced_at >= %(priced_from)s
    AND (%(priced_until)s::timestamptz IS NULL OR w.priced_at < %(priced_until)s::timestamptz)
    AND (
        d.movements, d.fingerprint, d.in_cents, d.out_cents, d.waste_cents, d.adjustment_cents,
        d.revenue_cents, d.closing_items, d.closing_cents
    ) IS DISTINCT FROM (
        c.movements, c.fingerprint, c.in_cents, c.out_cents, c.waste_cents, c.adjustment_cents,
        c.revenue_cents, c.closing_items, c.closing_cents
    )
