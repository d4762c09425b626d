-- Purpose: days written now whose stock changed without a movement. Rows: one a location and day.
SELECT
    d.location_id,
    d.day,
    d.unexplained_items,
    d.unexplained_cents * 0.01 AS unexplained_value
FROM written_days AS w
INNER JOIN {analytics}.analytics_snapshot_days AS d
    ON d.location_id = w.location_id AND d.day = w.day
WHERE d.unexplained_items <> 0 OR d.unexplained_cents <> 0
ORDER BY d.location_id, d.day
