-- Purpose: find stored days whose figures would be others at the prices of now, and only for that.
-- computed_days holds the days at the prices of now.
-- Rows: into day_findings, one a day.
INSERT INTO day_findings (location_id, day, finding)
SELECT
    d.location_id,
    d.day,
    'cost or price changed since' AS finding
FROM computed_days AS c
INNER JOIN {analytics}.analytics_snapshot_days AS d
    ON d.location_id = c.location_id AND d.day = c.day
INNER JOIN wanted_days AS w ON w.location_id = c.location_id AND w.day = c.day
WHERE
    w.priced_at < %(priced_from)s
    AND (
        d.in_cents, d.out_cents, d.waste_cents, d.adjustment_cents, d.revenue_cents,
        d.closing_cents
    ) IS DISTINCT FROM (
        c.in_cents, c.out_cents, c.waste_cents, c.adjustment_cents, c.revenue_cents,
        c.closing_cents
    )
    AND NOT EXISTS (
        SELECT FROM day_findings AS f
        WHERE f.location_id = d.location_id AND f.day = d.day
    )
