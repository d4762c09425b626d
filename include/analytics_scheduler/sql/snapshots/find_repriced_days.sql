-- Purpose: wanted days whose stored day before was valued at other prices, so that the two can
-- only be compared at the older ones.
-- Parameters: locations; priced_from, priced_until (moments between which no price changed;
-- priced_until may be NULL). Rows: one a day and moment.
SELECT
    w.day,
    before.priced_at,
    array_agg(w.location_id) AS locations
FROM wanted_days AS w
INNER JOIN {analytics}.analytics_snapshot_days AS before
    ON before.location_id = w.location_id AND before.day = w.day - 1
WHERE
    w.priced_at >= %(priced_from)s
    AND (%(priced_until)s::timestamptz IS NULL OR w.priced_at < %(priced_until)s::timestamptz)
    AND before.priced_at < %(priced_from)s
    AND w.location_id = any(%(locations)s)
    AND NOT EXISTS (
        SELECT FROM wanted_days AS o
        WHERE
            o.location_id = w.location_id
            AND o.day = w.day - 1
            AND o.priced_at >= %(priced_from)s
    )
GROUP BY w.day, before.priced_at
