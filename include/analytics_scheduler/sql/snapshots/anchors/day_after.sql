-- Purpose: anchor of compute_days: what the stored day after the last one opened with.
-- Parameters: locations, last_day. Rows: one a location.
SELECT
    location_id,
    opening_items AS items,
    opening_cents AS cents,
    0 AS problems
FROM {analytics}.analytics_snapshot_days
WHERE location_id = any(%(locations)s) AND day = %(last_day)s::date + 1
