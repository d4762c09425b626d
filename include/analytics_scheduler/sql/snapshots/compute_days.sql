-- name: compute_days
-- Purpose: compute days of locations from the movements: what moved, and what was on hand when each
-- day ended. One statement sees one snapshot of the database. The closing stock is counted from a
-- balance: from the stock on hand, or from a stored day before or after, which spares reading the
-- movements since.
-- Parameters: balance_source (a BalanceSource); locations; after; until; by_id (whether to look
-- locations up by their ids or read the range between after and until); starts (the first instants
-- of the days and of the day after the last; their type decides whether created_at is compared with
-- or without a time zone); first_start; last_end (the first and last of these); first_day;
-- last_day; day_count; priced_at.
-- Parts: _prices_at.
-- Rows: into the temporary table computed_days, one per location and day, and one for what moved
-- after the last day. `problems` counts what makes a day unusable: in its own movements for its
-- flows, and in all later ones for its closing.
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
        m.type::text AS type,
        count(*) AS movements,
        sum(m.quantity) AS items,
        sum(m.quantity * p.cost_cents) AS cost_cents,
        sum(m.quantity * p.price_cents) AS price_cents,
        -- A movement as a number of 32 bits, as in find_changed_days: the sum changes if a movement
        -- is added, changed or deleted, and stays in 64 bits, which is twice as fast as numeric.
        sum(
            hashint8(
                uuid_hash_extended(m.product_id, m.quantity * 16::bigint + length(m.type::text))
            )
        ) AS fingerprint,
        count(*) FILTER (WHERE m.quantity IS NULL OR p.cost_cents IS NULL) AS unusable_costs,
        count(*) FILTER (WHERE p.price_cents IS NULL) AS unusable_prices
    FROM {source}.stock_movements AS m
    LEFT JOIN ({_prices_at}) AS p ON p.product_id = m.product_id
    WHERE
        m.created_at >= %(first_start)s
        AND (%(balance_source)s = 'stock' OR m.created_at < %(last_end)s)
        AND (%(after)s::uuid IS NULL OR m.location_id > %(after)s::uuid)
        AND (%(until)s::uuid IS NULL OR m.location_id <= %(until)s::uuid)
        AND (NOT %(by_id)s OR m.location_id = any(%(locations)s::uuid[]))
    GROUP BY m.location_id, day_number, is_after, m.type::text
),

flows AS (
    SELECT
        location_id,
        coalesce(day_number, 1 + is_after::integer) AS bucket,
        sum(movements) AS movements,
        coalesce(sum(items) FILTER (WHERE type = 'in'), 0) AS in_items,
        coalesce(sum(items) FILTER (WHERE type = 'out'), 0) AS out_items,
        coalesce(sum(items) FILTER (WHERE type = 'waste'), 0) AS waste_items,
        coalesce(sum(items) FILTER (WHERE type = 'adjustment'), 0) AS adjustment_items,
        coalesce(sum(cost_cents) FILTER (WHERE type = 'in'), 0) AS in_cents,
        coalesce(sum(cost_cents) FILTER (WHERE type = 'out'), 0) AS out_cents,
        coalesce(sum(cost_cents) FILTER (WHERE type = 'waste'), 0) AS waste_cents,
        coalesce(sum(cost_cents) FILTER (WHERE type = 'adjustment'), 0) AS adjustment_cents,
        coalesce(sum(price_cents) FILTER (WHERE type = 'out'), 0) AS revenue_cents,
        coalesce(sum(fingerprint), 0) AS fingerprint,
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
        sum(i.quantity) AS items,
        sum(i.quantity * p.cost_cents) AS cents,
        count(*) FILTER (WHERE i.quantity IS NULL OR p.cost_cents IS NULL) AS problems
    FROM {source}.inventory_items AS i
    LEFT JOIN ({_prices_at}) AS p ON p.product_id = i.product_id
    WHERE
        %(balance_source)s = 'stock'
        AND (%(after)s::uuid IS NULL OR i.location_id > %(after)s::uuid)
        AND (%(until)s::uuid IS NULL OR i.location_id <= %(until)s::uuid)
        AND (NOT %(by_id)s OR i.location_id = any(%(locations)s::uuid[]))
    GROUP BY i.location_id
    UNION ALL
    SELECT
        location_id,
        opening_items AS items,
        opening_cents AS cents,
        0 AS problems
    FROM {analytics}.analytics_snapshot_days
    WHERE
        %(balance_source)s = 'day_after'
        AND location_id = any(%(locations)s::uuid[])
        AND day = %(last_day)s::date + 1
    UNION ALL
    SELECT
        location_id,
        closing_items AS items,
        closing_cents AS cents,
        0 AS problems
    FROM {analytics}.analytics_snapshot_days
    WHERE
        %(balance_source)s = 'day_before'
        AND location_id = any(%(locations)s::uuid[])
        AND day = %(first_day)s::date - 1
),

cells AS (
    SELECT
        l.location_id,
        b.bucket,
        coalesce(f.movements, 0) AS movements,
        coalesce(f.in_items, 0) AS in_items,
        coalesce(f.out_items, 0) AS out_items,
        coalesce(f.waste_items, 0) AS waste_items,
        coalesce(f.adjustment_items, 0) AS adjustment_items,
        coalesce(f.in_cents, 0) AS in_cents,
        coalesce(f.out_cents, 0) AS out_cents,
        coalesce(f.waste_cents, 0) AS waste_cents,
        coalesce(f.adjustment_cents, 0) AS adjustment_cents,
        coalesce(f.revenue_cents, 0) AS revenue_cents,
        coalesce(f.fingerprint, 0)::bigint AS fingerprint,
        coalesce(a.items, 0) AS balance_items,
        coalesce(a.cents, 0) AS balance_cents,
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
    in_items,
    out_items,
    waste_items,
    adjustment_items,
    in_cents,
    out_cents,
    waste_cents,
    adjustment_cents,
    revenue_cents,
    fingerprint,
    balance_items
    + CASE WHEN %(balance_source)s = 'day_before' THEN sum(net_items) OVER all_days ELSE 0 END
    - coalesce(sum(net_items) OVER later_days, 0) AS closing_items,
    balance_cents
    + CASE WHEN %(balance_source)s = 'day_before' THEN sum(net_cents) OVER all_days ELSE 0 END
    - coalesce(sum(net_cents) OVER later_days, 0) AS closing_cents,
    problems + coalesce(sum(problems) OVER later_days, 0) + price_problems AS problems
FROM (
    SELECT
        *,
        in_items - out_items - waste_items + adjustment_items AS net_items,
        in_cents - out_cents - waste_cents + adjustment_cents AS net_cents
    FROM cells
) AS cells
WINDOW
    all_days AS (PARTITION BY location_id),
    later_days AS (
        PARTITION BY location_id ORDER BY bucket DESC
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    );
