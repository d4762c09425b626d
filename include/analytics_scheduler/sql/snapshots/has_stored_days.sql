-- Purpose: is there anything whose movements could have changed since?
-- Parameters: locations, first_day, day_count, timezone, period_type, slot_starts.
-- Rows: one where there is. A first composition of a week or month trusts the days it finds.
SELECT TRUE AS is_there
WHERE
    EXISTS (
        SELECT FROM {analytics}.analytics_snapshot_days AS d
        WHERE
            d.location_id = any(%(locations)s)
            AND d.day >= %(first_day)s::date
            AND d.day < %(first_day)s::date + %(day_count)s::integer
            AND d.timezone = %(timezone)s
    )
    AND (
        %(period_type)s = 'daily'
        OR EXISTS (
            SELECT FROM {analytics}.analytics_snapshots AS s
            WHERE
                s.location_id = any(%(locations)s)
                AND s.period_type = %(period_type)s
                AND s.period_start = any(%(slot_starts)s)
        )
    )
