-- name: drop_computed_days
-- Purpose: make room for the next group of days of the batch.
DROP TABLE IF EXISTS pg_temp.computed_days;


-- name: count_movements_read
-- Purpose: count the movements that compute_days has read, those after its last day included.
-- Rows: one: the count.
SELECT coalesce(sum(movements), 0)::bigint FROM computed_days;


-- name: find_unusable_days
-- Purpose: find wanted days that cannot be stored, because what they are made of is missing or
-- unknown, or because a figure does not fit its column.
-- Parameters: priced_from; priced_until (moments between which no price changed; priced_until may
-- be NULL); largest_items; largest_cents (what the columns of a snapshot hold); largest_sum (what a
-- day's own columns hold).
-- Rows: one per location and day: both, and whether its movements or stock are the cause.
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
        OR abs(c.closing_items) > %(largest_items)s
        OR greatest(
            abs(c.closing_cents), abs(c.revenue_cents), abs(c.waste_cents),
            abs(c.out_cents), abs(c.out_cents + c.waste_cents)
        ) > %(largest_cents)s
        OR greatest(
            abs(c.in_cents), abs(c.adjustment_cents), abs(c.in_items), abs(c.out_items),
            abs(c.waste_items), abs(c.adjustment_items)
        ) > %(largest_sum)s
    );


-- name: discard_days
-- Purpose: take days that cannot be stored off the list of wanted days.
-- Parameters: locations; days (of the same length).
DELETE FROM wanted_days AS w
USING unnest(%(locations)s::uuid[], %(days)s::date[]) AS d (location_id, day)
WHERE w.location_id = d.location_id AND w.day = d.day;


-- name: describe_problems
-- Purpose: say what makes days of one location unusable.
-- Parameters: location; first_start (the first instant of the earliest such day); priced_at.
-- Parts: _prices_at.
-- Rows: one per kind of problem: how often it occurs, its noun (in the singular), and what is
-- wrong.
SELECT
    count(*) AS occurrences,
    noun,
    problem
FROM (
    SELECT
        'movement' AS noun,
        CASE
            WHEN m.type IS NULL THEN 'without a type'
            WHEN m.type::text NOT IN ('in', 'out', 'waste', 'adjustment')
                THEN 'of unknown type ' || quote_literal(left(m.type::text, 40))
            WHEN m.quantity IS NULL THEN 'without a quantity'
            WHEN p.product_id IS NULL THEN 'of a product that does not exist'
            WHEN p.cost_cents IS NULL
                THEN 'of a product whose cost is missing or not a number of at most two decimals'
            WHEN m.type::text = 'out' AND p.price_cents IS NULL
                THEN
                    'of type ''out'' of a product whose price is missing or not a number of at '
                    'most two decimals'
        END AS problem
    FROM {source}.stock_movements AS m
    LEFT JOIN ({_prices_at}) AS p ON p.product_id = m.product_id
    WHERE m.location_id = %(location)s AND m.created_at >= %(first_start)s
    UNION ALL
    SELECT
        'stock row' AS noun,
        CASE
            WHEN i.quantity IS NULL THEN 'without a quantity'
            WHEN p.product_id IS NULL THEN 'of a product that does not exist'
            WHEN p.cost_cents IS NULL
                THEN 'of a product whose cost is missing or not a number of at most two decimals'
        END AS problem
    FROM {source}.inventory_items AS i
    LEFT JOIN ({_prices_at}) AS p ON p.product_id = i.product_id
    WHERE i.location_id = %(location)s
) AS found
WHERE problem IS NOT NULL
GROUP BY noun, problem
ORDER BY noun, problem;


-- name: find_repriced_days
-- Purpose: find wanted days whose day before was valued at other prices: the two can only be
-- compared at the older ones.
-- Parameters: locations; priced_from; priced_until (moments between which no price changed;
-- priced_until may be NULL).
-- Rows: one per day and moment: the day, the moment of the older prices, the locations.
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
    AND w.location_id = any(%(locations)s::uuid[])
    AND NOT EXISTS (
        SELECT FROM wanted_days AS o
        WHERE
            o.location_id = w.location_id
            AND o.day = w.day - 1
            AND o.priced_at >= %(priced_from)s
    )
GROUP BY w.day, before.priced_at;


-- name: list_older_prices
-- Purpose: list the prices that the day before was valued at, for revalue_openings.
-- Parameters: priced_at (the moment of the older prices).
-- Parts: _prices_at.
-- Rows: into the temporary table older_prices, one per product.
CREATE TEMPORARY TABLE older_prices ON COMMIT DROP AS
{_prices_at};


-- name: revalue_openings
-- Purpose: compute what the opening of a day is worth more at the older prices than at its own.
-- Parameters: locations; day; day_start (its first instant); priced_at (the moment that the day is
-- valued at).
-- Parts: _prices_at.
-- Rows: into the temporary table revaluations, one per location.
INSERT INTO revaluations (location_id, day, cents)
WITH repriced AS (
    SELECT
        o.product_id,
        o.cost_cents - n.cost_cents AS difference_cents
    FROM pg_temp.older_prices AS o
    INNER JOIN ({_prices_at}) AS n ON n.product_id = o.product_id
    WHERE o.cost_cents <> n.cost_cents
),

opening AS (
    SELECT
        i.location_id,
        i.quantity * r.difference_cents AS cents
    FROM {source}.inventory_items AS i
    INNER JOIN repriced AS r ON r.product_id = i.product_id
    WHERE i.location_id = any(%(locations)s::uuid[])
    UNION ALL
    SELECT
        m.location_id,
        CASE WHEN m.type::text IN ('in', 'adjustment') THEN -m.quantity ELSE m.quantity END
        * r.difference_cents AS cents
    FROM {source}.stock_movements AS m
    INNER JOIN repriced AS r ON r.product_id = m.product_id
    WHERE m.location_id = any(%(locations)s::uuid[]) AND m.created_at >= %(day_start)s
)

SELECT
    location_id,
    %(day)s::date AS day,
    sum(cents)::bigint AS cents
FROM opening
GROUP BY location_id;


-- name: drop_older_prices
-- Purpose: make room for the next moment of older prices.
DROP TABLE pg_temp.older_prices;


-- name: count_written_days
-- Purpose: count the days that the batch stored.
-- Parameters: first_day (of the requested periods).
-- Rows: one: how many days were stored; how many of them were missing before first_day; how many
-- were repaired; and the first and the last.
SELECT
    count(*) AS days_written,
    count(*) FILTER (WHERE reason IS NULL AND day < %(first_day)s::date) AS days_caught_up,
    count(*) FILTER (WHERE reason = 'late data') AS days_repaired,
    min(day) AS first_written,
    max(day) AS last_written
FROM written_days;


-- name: update_following_days
-- Purpose: say what of a stored day's opening is unexplained, now that the day before it was
-- written. Days valued at other prices cannot be compared.
-- Parameters: locations.
-- Locks: the rows that change.
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
    AND later.location_id = any(%(locations)s::uuid[])
    AND NOT EXISTS (
        SELECT FROM written_days AS o
        WHERE o.location_id = w.location_id AND o.day = w.day + 1
    );


-- name: has_longer_periods
-- Purpose: say whether a period of several days that ends on or after a day is stored.
-- Parameters: day; period_types (those of several days).
-- Rows: one: true or false.
SELECT EXISTS(
    SELECT FROM {analytics}.analytics_snapshots
    WHERE period_type = any(%(period_types)s) AND period_end >= %(day)s
) AS has_longer_periods;


-- name: list_unexplained
-- Purpose: list the days that the batch stored whose stock changed without a movement.
-- Parameters: locations; first_day; last_day (bounds of what was stored, so that no more is read).
-- Rows: one per location and day: both, the items, and their value.
SELECT
    d.location_id,
    d.day,
    d.unexplained_items,
    d.unexplained_cents * 0.01 AS unexplained_value
FROM written_days AS w
INNER JOIN {analytics}.analytics_snapshot_days AS d
    ON d.location_id = w.location_id AND d.day = w.day
WHERE
    d.location_id = any(%(locations)s::uuid[])
    AND d.day >= %(first_day)s
    AND d.day <= %(last_day)s
    AND (d.unexplained_items <> 0 OR d.unexplained_cents <> 0)
ORDER BY d.location_id, d.day;
