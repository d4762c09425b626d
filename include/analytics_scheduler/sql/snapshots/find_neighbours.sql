-- Purpose: of locations, those whose stored day before or after a stretch of days can carry it.
-- Parameters: locations, first_day, last_day, priced_from, priced_until (moments between which no
-- price changed; priced_until may be NULL), timezone. Rows: one a location: after, before or both.
SELECT
    location_id,
    bool_or(day = %(last_day)s::date + 1) AS has_day_after,
    bool_or(day = %(first_day)s::date - 1) AS has_day_before
FROM {analytics}.analytics_snapshot_days
WHERE
    location_id = any(%(locations)s)
    AND day IN (%(last_day)s::date + 1, %(first_day)s::date - 1)
    AND timezone = %(timezone)s
    AND priced_at >= %(priced_from)s
    AND (%(priced_until)s::timestamptz IS NULL OR priced_at < %(priced_until)s)
GROUP BY location_id
