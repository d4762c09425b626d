-- Purpose: wanted days that cannot be stored: what they are made of is missing or unknown, or a
-- figure does not fit.
-- Parameters: priced_from, priced_until (moments between which no price changed; priced_until may
-- be NULL). Rows: one a location and day.
SELECT
    c.location_id,
    c.day,
    c.problems > 0 AS has_problems
FROM computed_days AS c
INNER JOIN wanted_days AS w ON w.location_id = c.location_id AND w.day = c.day
WHERE
    w.priced_at >= %(priced_from)s
    AND (%(priced_until)s::timestamptz IS NULL OR w.priced_at < %(priced_until)s::timestamptz)
    AND (
    c.problems > 0
    OR abs(c.closing_items) > 2147483647
    OR greatest(
        abs(c.closing_cents), abs(c.revenue_cents), abs(c.waste_cents),
        abs(c.out_cents), abs(c.out_cents + c.waste_cents)
    ) >= 1000000000000
    OR greatest(
        abs(c.in_cents), abs(c.adjustment_cents), abs(c.in_items), abs(c.out_items),
        abs(c.waste_items), abs(c.adjustment_items)
    ) >= 4611686018427387904
    )
