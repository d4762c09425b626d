-- Purpose: is any of the wanted slots there already? Parameters: locations, period_type,
-- slot_starts. Rows: one.
SELECT TRUE AS is_there
WHERE EXISTS (
    SELECT FROM {analytics}.analytics_snapshots
    WHERE
        location_id = any(%(locations)s)
        AND period_type = %(period_type)s
        AND period_start = any(%(slot_starts)s)
)
