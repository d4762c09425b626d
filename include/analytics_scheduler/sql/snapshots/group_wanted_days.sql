-- Purpose: the extent of what is wanted of each location, for grouping into passes.
-- Rows: one a location, moment of prices and kind (missing or stored).
SELECT
    location_id,
    priced_at,
    reason IS NULL AS is_missing,
    min(day) AS first_day,
    max(day) AS last_day
FROM wanted_days
GROUP BY location_id, priced_at, is_missing
