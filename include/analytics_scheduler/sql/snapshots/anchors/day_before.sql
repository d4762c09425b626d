-- Purpose: anchor of compute_days: what the stored day before the first one closed with, carried
-- over the days by their movements.
-- Parameters: locations, first_day. Rows: one a location.
SELECT
    d.location_id,
    d.closing_items + coalesce(
        sum(f.in_items - f.out_items - f.waste_items + f.adjustment_items), 0
    ) AS items,
    d.closing_cents + coalesce(
        sum(f.in_cents - f.out_cents - f.waste_cents + f.adjustment_cents), 0
    ) AS cents,
    0 AS problems
FROM {analytics}.analytics_snapshot_days AS d
LEFT JOIN flows AS f ON f.location_id = d.location_id
WHERE d.location_id = any(%(locations)s) AND d.day = %(first_day)s::date - 1
GROUP BY d.location_id, d.day
