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
-- be NULL); quantity_bound; money_bound (the first amounts that the columns of a snapshot cannot
-- hold); sum_bound (the first that a day's own columns cannot hold).
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
        OR abs(c.closing_e3) >= %(quantity_bound)s
        OR greatest(
            abs(c.closing_e7), abs(c.revenue_e7), abs(c.waste_e7), abs(c.out_e7),
            abs(c.out_e7 + c.waste_e7)
        ) >= %(money_bound)s
        OR greatest(
            abs(c.in_e7), abs(c.adjustment_e7), abs(c.in_e3), abs(c.out_e3), abs(c.waste_e3),
            abs(c.adjustment_e3)
        ) >= %(sum_bound)s
    );


-- name: discard_days
-- Purpose: take days that cannot be stored off the list of wanted days.
-- Parameters: locations; days (of the same length).
DELETE FROM wanted_days AS w
USING unnest(%(locations)s::uuid[], %(days)s::date[]) AS d (location_id, day)
WHERE w.location_id = d.location_id AND w.day = d.day;


-- name: add_new_days
-- Purpose: add the computed days that are wanted to those that the batches write.
-- Parameters: priced_from; priced_until (moments between which no price changed; priced_until may
-- be NULL).
INSERT INTO new_days (
    location_id, day, priced_at, reason, movements, fingerprint, in_e3, out_e3, waste_e3,
    adjustment_e3, closing_e3, in_e7, out_e7, waste_e7, adjustment_e7, revenue_e7, closing_e7
)
SELECT
    c.location_id,
    c.day,
    w.priced_at,
    w.reason,
    c.movements,
    c.fingerprint,
    c.in_e3,
    c.out_e3,
    c.waste_e3,
    c.adjustment_e3,
    c.closing_e3,
    c.in_e7,
    c.out_e7,
    c.waste_e7,
    c.adjustment_e7,
    c.revenue_e7,
    c.closing_e7
FROM computed_days AS c
INNER JOIN wanted_days AS w ON w.location_id = c.location_id AND w.day = c.day
WHERE
    w.priced_at >= %(priced_from)s
    AND (%(priced_until)s::timestamptz IS NULL OR w.priced_at < %(priced_until)s::timestamptz);


-- name: _source_rows
-- Purpose: the movements and the stock rows of a location, which count as received.
-- Parameters: location.
-- Parts: movements; stock (the source's, in whole pieces or in thousandths).
-- Rows: one per row; the created_at of a stock row is infinity.
SELECT
    'movement' AS noun,
    m.type,
    m.product_id,
    m.quantity,
    m.given_quantity,
    m.created_at
FROM ({movements}) AS m
WHERE m.location_id = %(location)s
UNION ALL
SELECT
    'stock row' AS noun,
    'in' AS type,
    i.product_id,
    i.quantity,
    i.given_quantity,
    'infinity' AS created_at
FROM ({stock}) AS i
WHERE i.location_id = %(location)s;


-- name: describe_problems
-- Purpose: say what makes days of one location unusable.
-- Parameters: location; first_start (the first instant of the earliest such day); priced_at; unit
-- (see _prices_at).
-- Parts: _source_rows; _prices_at; _current_prices.
-- Rows: one per kind of problem, the most frequent first: how often it occurs, its noun (in the
-- singular), and what is wrong.
SELECT
    count(*) AS occurrences,
    f.noun,
    CASE
        WHEN NOT f.is_type_known
            THEN coalesce('of unknown type ' || quote_literal(left(f.type, 40)), 'without a type')
        WHEN f.given_quantity IS NULL THEN 'without a quantity'
        WHEN f.quantity IS NULL
            THEN
                'of the quantity ' || f.given_quantity
                || ': at most three decimals are allowed, and less than 1,000,000,000,000'
        WHEN f.product_id IS NULL THEN 'of a product that does not exist'
        WHEN f.lacks_cost AND f.given_cost IS NULL THEN 'of a product without a cost'
        WHEN f.lacks_cost
            THEN
                'of a product with the cost ' || f.given_cost
                || CASE
                    WHEN f.is_cost_usable THEN ', which was not usable when the day was first taken'
                    ELSE ': at most four decimals are allowed, and less than 100,000,000,000'
                END
        WHEN f.given_price IS NULL THEN 'of type ''out'' of a product without a price'
        ELSE
            'of type ''out'' of a product with the price ' || f.given_price
            || CASE
                WHEN f.is_price_usable THEN ', which was not usable when the day was first taken'
                ELSE ': at most four decimals are allowed, and less than 100,000,000,000'
            END
    END AS problem
FROM (
    SELECT
        m.noun,
        m.type,
        m.quantity,
        m.given_quantity,
        p.product_id,
        g.cost AS given_cost,
        g.price AS given_price,
        c.cost_e4 IS NOT NULL AS is_cost_usable,
        c.price_e4 IS NOT NULL AS is_price_usable,
        p.cost IS NULL AS lacks_cost,
        m.type = 'out' AND p.price IS NULL AS lacks_price,
        coalesce(m.type IN ('in', 'out', 'waste', 'adjustment'), FALSE) AS is_type_known
    FROM ({_source_rows}) AS m
    LEFT JOIN ({_prices_at}) AS p ON p.product_id = m.product_id
    LEFT JOIN ({_current_prices}) AS c ON c.product_id = m.product_id
    LEFT JOIN {source}.products AS g ON g.id = m.product_id
    WHERE m.created_at >= %(first_start)s
) AS f
WHERE NOT f.is_type_known OR f.quantity IS NULL OR f.lacks_cost OR f.lacks_price
GROUP BY f.noun, problem
ORDER BY occurrences DESC, f.noun ASC, problem ASC;


-- name: find_largest_value
-- Purpose: find what makes the sums of a location too large to be computed.
-- Parameters: location.
-- Parts: _source_rows.
-- Rows: one: the noun of the movement or stock row that is worth most (in the singular), its
-- quantity, and the product's cost and price; or none.
SELECT
    m.noun,
    m.given_quantity::text AS quantity,
    g.cost::text AS cost,
    g.price::text AS price
FROM ({_source_rows}) AS m
INNER JOIN {source}.products AS g ON g.id = m.product_id
WHERE 'NaN' NOT IN (m.given_quantity::numeric, g.cost, g.price)
ORDER BY abs(m.given_quantity::numeric * greatest(abs(g.cost), abs(g.price))) DESC
LIMIT 1;


-- name: find_repriced_days
-- Purpose: find new days whose day before is valued at older prices: the two can only be compared
-- at those.
-- Parameters: locations; timezone; price_changes (the moments at which a price changed).
-- Rows: one per day and pair of moments: the day, the moment of the older prices, that of its own,
-- the locations.
WITH known AS (
    SELECT
        location_id,
        day,
        priced_at
    FROM new_days
    UNION ALL
    SELECT
        s.location_id,
        s.day,
        s.priced_at
    FROM {analytics}.analytics_snapshot_days AS s
    INNER JOIN new_days AS n ON n.location_id = s.location_id AND s.day = n.day - 1
    WHERE
        s.location_id = any(%(locations)s::uuid[])
        AND s.timezone = %(timezone)s
        AND NOT EXISTS (
            SELECT FROM new_days AS o
            WHERE o.location_id = s.location_id AND o.day = s.day
        )
)

SELECT
    n.day,
    min(before.priced_at) AS older_moment,
    min(n.priced_at) AS own_moment,
    array_agg(n.location_id) AS locations
FROM new_days AS n
INNER JOIN known AS before ON before.location_id = n.location_id AND before.day = n.day - 1
WHERE
    width_bucket(before.priced_at, %(price_changes)s::timestamptz[])
    < width_bucket(n.priced_at, %(price_changes)s::timestamptz[])
GROUP BY
    n.day,
    width_bucket(before.priced_at, %(price_changes)s::timestamptz[]),
    width_bucket(n.priced_at, %(price_changes)s::timestamptz[]);


-- name: list_older_prices
-- Purpose: list the prices that the day before was valued at, for revalue_openings.
-- Parameters: priced_at (the moment of the older prices); unit (see _prices_at).
-- Parts: _prices_at.
-- Rows: into the temporary table older_prices, one per product.
CREATE TEMPORARY TABLE older_prices ON COMMIT DROP AS
{_prices_at};


-- name: revalue_openings
-- Purpose: compute what the opening of a day is worth more at the older prices than at its own.
-- Parameters: locations; day; day_start (its first instant); priced_at (the moment that the day is
-- valued at); unit (see _prices_at).
-- Parts: movements; stock (the source's, in whole pieces or in thousandths); _prices_at.
-- Rows: into the temporary table revaluations, one per location.
INSERT INTO revaluations (location_id, day, value_e7)
WITH repriced AS (
    SELECT
        o.product_id,
        o.cost - n.cost AS difference
    FROM pg_temp.older_prices AS o
    INNER JOIN ({_prices_at}) AS n ON n.product_id = o.product_id
    WHERE o.cost <> n.cost
),

opening AS (
    SELECT
        i.location_id,
        i.quantity * r.difference AS value_e7
    FROM ({stock}) AS i
    INNER JOIN repriced AS r ON r.product_id = i.product_id
    WHERE i.location_id = any(%(locations)s::uuid[])
    UNION ALL
    SELECT
        m.location_id,
        CASE WHEN m.type IN ('in', 'adjustment') THEN -m.quantity ELSE m.quantity END
        * r.difference AS value_e7
    FROM ({movements}) AS m
    INNER JOIN repriced AS r ON r.product_id = m.product_id
    WHERE m.location_id = any(%(locations)s::uuid[]) AND m.created_at >= %(day_start)s
)

SELECT
    location_id,
    %(day)s::date AS day,
    sum(value_e7) AS value_e7
FROM opening
GROUP BY location_id;


-- name: drop_older_prices
-- Purpose: make room for the next moment of older prices.
DROP TABLE pg_temp.older_prices;
