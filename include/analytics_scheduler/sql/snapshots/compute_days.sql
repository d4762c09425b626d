-- name: compute_days
-- Purpose: compute days of locations from the movements: what moved, and what was on hand when each
-- day ended. One statement sees one snapshot of the database. The closing stock is counted from a
-- balance: from the stock on hand, or from a stored day before or after, which spares reading the
-- movements since.
-- Parameters: balance_source (a BalanceSource); locations; after; until; by_id (whether to look
-- locations up by their ids or read the range between after and until); starts (the first instants
-- of the days and of the day after the last; their type decides whether created_at is compared with
-- or without a time zone); first_start; last_end (the first and last of these); first_day;
-- last_day; day_count; priced_at; unit (how many thousandths of a piece a unit of quantity is).
-- Parts: movements; stock (the source's, in whole pieces or in thousandths); _prices_at;
-- _stored_days.
-- Rows: into the temporary table computed_days, one per location and day, and one for what moved
-- after the last day: quantities in thousandths of a piece (_e3), money in ten-millionths of the
-- currency (_e7). `problems` counts what makes a day unusable: in its own movements for its flows,
-- and in all later ones for its closing.
CREATE TEMPORARY TABLE computed_days ON COMMIT DROP AS
WITH ledger AS (
    SELECT
        m.location_id,
        -- The planner knows that a condition has two values. Of width_bucket it expects as many as
        -- there are moments, and a single day takes 1.09 times as long.
        CASE
            WHEN %(day_count)s::integer > 1 THEN width_bucket(m.created_at, %(starts)s)
        END AS day_number,
        CASE WHEN %(day_count)s::integer = 1 THEN m.created_at >= %(last_end)s END AS is_after,
        m.type,
        count(*) AS movements,
        sum(m.quantity) AS quantity,
        sum(m.quantity * p.cost) AS cost,
        sum(m.quantity * p.price) AS price,
        -- A movement as a number of 32 bits, as in find_changed_days: the sum changes if a movement
        -- is added, changed or deleted, and stays in 64 bits, which is twice as fast as numeric.
        sum(hashint8(uuid_hash_extended(m.product_id, m.fingerprinted))) AS fingerprint,
        count(*) FILTER (WHERE m.quantity IS NULL OR p.cost IS NULL) AS unusable_costs,
        count(*) FILTER (WHERE p.price IS NULL) AS unusable_prices
    FROM ({movements}) AS m
    LEFT JOIN ({_prices_at}) AS p ON p.product_id = m.product_id
    WHERE
        m.created_at >= %(first_start)s
        AND (%(balance_source)s = 'stock' OR m.created_at < %(last_end)s)
        AND (%(after)s::uuid IS NULL OR m.location_id > %(after)s::uuid)
        AND (%(until)s::uuid IS NULL OR m.location_id <= %(until)s::uuid)
        AND (NOT %(by_id)s OR m.location_id = any(%(locations)s::uuid[]))
    GROUP BY m.location_id, day_number, is_after, m.type
),

flows AS (
    SELECT
        location_id,
        coalesce(day_number, 1 + is_after::integer) AS bucket,
        sum(movements) AS movements,
        sum(quantity) FILTER (WHERE type = 'in') * %(unit)s AS in_e3,
        sum(quantity) FILTER (WHERE type = 'out') * %(unit)s AS out_e3,
        sum(quantity) FILTER (WHERE type = 'waste') * %(unit)s AS waste_e3,
        sum(quantity) FILTER (WHERE type = 'adjustment') * %(unit)s AS adjustment_e3,
        sum(cost) FILTER (WHERE type = 'in') AS in_e7,
        sum(cost) FILTER (WHERE type = 'out') AS out_e7,
        sum(cost) FILTER (WHERE type = 'waste') AS waste_e7,
        sum(cost) FILTER (WHERE type = 'adjustment') AS adjustment_e7,
        sum(price) FILTER (WHERE type = 'out') AS revenue_e7,
        sum(fingerprint) AS fingerprint,
        coalesce(
            sum(movements) FILTER (
                WHERE type IS NULL OR type NOT IN ('in', 'out', 'waste', 'adjustment')
            ), 0
        ) + sum(unusable_costs) AS problems,
        coalesce(sum(unusable_prices) FILTER (WHERE type = 'out'), 0) AS price_problems
    FROM ledger
    GROUP BY location_id, bucket
),

balance AS (
    SELECT
        i.location_id,
        sum(i.quantity) * %(unit)s AS closing_e3,
        sum(i.quantity * p.cost) AS closing_e7,
        count(*) FILTER (WHERE i.quantity IS NULL OR p.cost IS NULL) AS problems
    FROM ({stock}) AS i
    LEFT JOIN ({_prices_at}) AS p ON p.product_id = i.product_id
    WHERE
        %(balance_source)s = 'stock'
        AND (%(after)s::uuid IS NULL OR i.location_id > %(after)s::uuid)
        AND (%(until)s::uuid IS NULL OR i.location_id <= %(until)s::uuid)
        AND (NOT %(by_id)s OR i.location_id = any(%(locations)s::uuid[]))
    GROUP BY i.location_id
    UNION ALL
    SELECT
        d.location_id,
        d.opening_e3 AS closing_e3,
        d.opening_e7 AS closing_e7,
        0 AS problems
    FROM ({_stored_days}) AS d
    WHERE
        %(balance_source)s = 'day_after'
        AND d.location_id = any(%(locations)s::uuid[])
        AND d.day = %(last_day)s::date + 1
    UNION ALL
    SELECT
        d.location_id,
        d.closing_e3,
        d.closing_e7,
        0 AS problems
    FROM ({_stored_days}) AS d
    WHERE
        %(balance_source)s = 'day_before'
        AND d.location_id = any(%(locations)s::uuid[])
        AND d.day = %(first_day)s::date - 1
),

cells AS (
    SELECT
        l.location_id,
        b.bucket,
        coalesce(f.movements, 0) AS movements,
        coalesce(f.in_e3, 0) AS in_e3,
        coalesce(f.out_e3, 0) AS out_e3,
        coalesce(f.waste_e3, 0) AS waste_e3,
        coalesce(f.adjustment_e3, 0) AS adjustment_e3,
        coalesce(f.in_e7, 0) AS in_e7,
        coalesce(f.out_e7, 0) AS out_e7,
        coalesce(f.waste_e7, 0) AS waste_e7,
        coalesce(f.adjustment_e7, 0) AS adjustment_e7,
        coalesce(f.revenue_e7, 0) AS revenue_e7,
        coalesce(f.fingerprint, 0)::bigint AS fingerprint,
        coalesce(a.closing_e3, 0) AS balance_e3,
        coalesce(a.closing_e7, 0) AS balance_e7,
        coalesce(a.problems, 0) + coalesce(f.problems, 0) AS problems,
        coalesce(f.price_problems, 0) AS price_problems
    FROM unnest(%(locations)s::uuid[]) AS l (location_id)
    CROSS JOIN generate_series(1, %(day_count)s::integer + 1) AS b (bucket)
    LEFT JOIN flows AS f ON f.location_id = l.location_id AND f.bucket = b.bucket
    LEFT JOIN balance AS a ON a.location_id = l.location_id
)

SELECT
    location_id,
    %(first_day)s::date + bucket - 1 AS day,
    movements,
    in_e3,
    out_e3,
    waste_e3,
    adjustment_e3,
    in_e7,
    out_e7,
    waste_e7,
    adjustment_e7,
    revenue_e7,
    fingerprint,
    balance_e3
    + CASE WHEN %(balance_source)s = 'day_before' THEN sum(net_e3) OVER all_days ELSE 0 END
    - coalesce(sum(net_e3) OVER later_days, 0) AS closing_e3,
    balance_e7
    + CASE WHEN %(balance_source)s = 'day_before' THEN sum(net_e7) OVER all_days ELSE 0 END
    - coalesce(sum(net_e7) OVER later_days, 0) AS closing_e7,
    problems + coalesce(sum(problems) OVER later_days, 0) + price_problems AS problems
FROM (
    SELECT
        *,
        in_e3 - out_e3 - waste_e3 + adjustment_e3 AS net_e3,
        in_e7 - out_e7 - waste_e7 + adjustment_e7 AS net_e7
    FROM cells
) AS cells
WINDOW
    all_days AS (PARTITION BY location_id),
    later_days AS (
        PARTITION BY location_id ORDER BY bucket DESC
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    );
