-- name: _movement_fingerprint
-- Purpose: part of other statements: one movement as a number of 32 bits; the sum over a day
-- changes when a movement is added, changed or deleted. Sums of so small numbers stay in 64 bits,
-- which is twice as fast as numeric.
hashint8(uuid_hash_extended(m.product_id, m.quantity * 16::bigint + length(m.type::text))) -- noqa: PRS


-- name: _balance_from_stock
-- Purpose: anchor of compute_days: what is on hand now.
-- Rows: one a location with stock; problems counts stock without a quantity or a usable cost.
SELECT
    i.location_id,
    sum(i.quantity) AS items,
    sum(i.quantity * p.cost_cents) AS cents,
    count(*) FILTER (WHERE i.quantity IS NULL OR p.cost_cents IS NULL) AS problems
FROM {source}.inventory_items AS i
LEFT JOIN ({prices}) AS p ON p.product_id = i.product_id
WHERE {located_stock}
GROUP BY i.location_id


-- name: _balance_from_day_before
-- Purpose: anchor of compute_days: what the stored day before the first one closed with, carried
-- over the days by their movements.
-- Parameters: locations, first_day. Rows: one a location.
SELECT
    d.location_id,
    d.closing_items + coalesce(
        sum(f.in_items - f.out_items - f.waste_items + f.adjustment_items), 0
    ) AS items,
    d.closing_cents + coalesce(
        sum(f.in_cents - f.out_cents - f.waste_cents + f.adjustment_cents), 0
    ) AS cents,
    0 AS problems
FROM {analytics}.analytics_snapshot_days AS d
LEFT JOIN flows AS f ON f.location_id = d.location_id
WHERE d.location_id = any(%(locations)s) AND d.day = %(first_day)s::date - 1
GROUP BY d.location_id, d.day


-- name: _balance_from_day_after
-- Purpose: anchor of compute_days: what the stored day after the last one opened with.
-- Parameters: locations, last_day. Rows: one a location.
SELECT
    location_id,
    opening_items AS items,
    opening_cents AS cents,
    0 AS problems
FROM {analytics}.analytics_snapshot_days
WHERE location_id = any(%(locations)s) AND day = %(last_day)s::date + 1


-- name: compute_days
-- Purpose: compute days of locations from the raw movements: what moved, and what was on hand at
-- the end of each day. One statement is one database snapshot.
-- Parts: located limits rows to the locations; prices lists costs and prices in whole cents;
-- anchor gives what was on hand at some moment not before the end of the last day, and until ends
-- the movements there; bucket is the number of a movement's day, grouped by bucket_key;
-- fingerprint is one movement as a number.
-- Parameters: locations (uuid[]); starts (the first instants of the days, in order, and of the day
-- after the last: its type decides whether created_at is compared with or without a zone);
-- first_start, last_end (the first and last of these); first_day; day_count; priced_at.
-- Rows: into the temporary table computed_days, one a location and day. The problem columns count
-- what makes a day unusable: in its own rows for its flows, in all later ones for its closing.
-- Locks: none but ACCESS SHARE.
CREATE TEMPORARY TABLE computed_days ON COMMIT DROP AS
WITH ledger AS (
    SELECT
        m.location_id,
        {bucket} AS bucket, -- noqa: AL09
        m.type::text AS type,
        count(*) AS movements,
        sum(m.quantity) AS items,
        sum(m.quantity * p.cost_cents) AS cost_cents,
        sum(m.quantity * p.price_cents) AS price_cents,
        sum({fingerprint}) AS fingerprint,
        count(*) FILTER (WHERE m.quantity IS NULL OR p.cost_cents IS NULL) AS unusable_costs,
        count(*) FILTER (WHERE p.price_cents IS NULL) AS unusable_prices
    FROM {source}.stock_movements AS m
    LEFT JOIN ({prices}) AS p ON p.product_id = m.product_id
    WHERE m.created_at >= %(first_start)s AND {until} AND {located_movements}
    GROUP BY m.location_id, {bucket_key}, m.type::text
),

flows AS (
    SELECT
        location_id,
        bucket,
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

anchor AS ({anchor}),

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
        coalesce(a.items, 0) AS anchor_items,
        coalesce(a.cents, 0) AS anchor_cents,
        coalesce(a.problems, 0) + coalesce(f.problems, 0) AS problems,
        coalesce(f.price_problems, 0) AS price_problems
    FROM unnest(%(locations)s::uuid []) AS l (location_id)
    CROSS JOIN generate_series(1, %(day_count)s::integer + 1) AS b (bucket)
    LEFT JOIN flows AS f ON f.location_id = l.location_id AND f.bucket = b.bucket
    LEFT JOIN anchor AS a ON a.location_id = l.location_id
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
    anchor_items - coalesce(
        sum(in_items - out_items - waste_items + adjustment_items) OVER later, 0
    ) AS closing_items,
    anchor_cents - coalesce(
        sum(in_cents - out_cents - waste_cents + adjustment_cents) OVER later, 0
    ) AS closing_cents,
    problems + coalesce(sum(problems) OVER later, 0) + price_problems AS problems
FROM cells
WINDOW later AS (
    PARTITION BY location_id ORDER BY bucket DESC
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
);
