-- Purpose: days written now whose stock changed without a movement.
-- Parameters: locations, first_day, last_day (bounds of what was written, so that no more is read).
-- Rows: one a location and day.
SELECT
    d.location_id,
    d.day,
    d.unexplained_items,
    d.unexplained_cents * 0.01 AS unexplained_value
FROM written_days AS w
INNER JOIN {analytics}.analytics_snapshot_days AS d
    ON d.location_id = w.location_id AND d.day = w.day
WHERE
    d.location_id = any(%(locations)s)
    AND d.day >= %(first_day)s
    AND d.day <= %(last_day)s
    AND (d.unexplained_items <> 0 OR d.unexplained_cents <> 0)
ORDER BY d.location_id, d.day
