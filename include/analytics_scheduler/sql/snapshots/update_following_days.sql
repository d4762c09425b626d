-- Purpose: where a day was filled in before one that was stored already, say what of the later
-- day's opening is unexplained. Days valued at other prices cannot be compared.
-- Parameters: locations. Locks: the rows that change.
UPDATE {analytics}.analytics_snapshot_days AS later
SET
    unexplained_items = earlier.closing_items - later.opening_items,
    unexplained_cents = CASE
        WHEN later.priced_at = earlier.priced_at OR NOT EXISTS (
            SELECT FROM {analytics}.analytics_snapshot_prices AS p
            WHERE
                p.seen_at > least(earlier.priced_at, later.priced_at)
                AND p.seen_at <= greatest(earlier.priced_at, later.priced_at)
        ) THEN earlier.closing_cents - later.opening_cents
    END
FROM written_days AS w
INNER JOIN {analytics}.analytics_snapshot_days AS earlier
    ON earlier.location_id = w.location_id AND earlier.day = w.day
WHERE
    later.location_id = w.location_id
    AND later.day = w.day + 1
    AND later.timezone = earlier.timezone
    AND later.location_id = any(%(locations)s)
    AND NOT EXISTS (
        SELECT FROM written_days AS o
        WHERE o.location_id = w.location_id AND o.day = w.day + 1
    )
