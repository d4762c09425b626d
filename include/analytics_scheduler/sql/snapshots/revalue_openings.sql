-- Purpose: what the opening of a day is worth more at the prices of an earlier moment.
-- Parameters: locations, day, day_start (its first instant), before (the earlier moment),
-- priced_at (the moment the day is valued at). Rows: into the temporary table revaluations.
INSERT INTO revaluations (location_id, day, cents)
WITH repriced AS (
    SELECT
        o.product_id,
        o.cost_cents - n.cost_cents AS difference_cents
    FROM ({prices_before}) AS o
    INNER JOIN ({prices}) AS n ON n.product_id = o.product_id
    WHERE o.cost_cents <> n.cost_cents
),

opening AS (
    SELECT
        i.location_id,
        i.quantity * r.difference_cents AS cents
    FROM {source}.inventory_items AS i
    INNER JOIN repriced AS r ON r.product_id = i.product_id
    WHERE i.location_id = any(%(locations)s)
    UNION ALL
    SELECT
        m.location_id,
        CASE WHEN m.type::text IN ('in', 'adjustment') THEN -m.quantity ELSE m.quantity END
        * r.difference_cents AS cents
    FROM {source}.stock_movements AS m
    INNER JOIN repriced AS r ON r.product_id = m.product_id
    WHERE m.location_id = any(%(locations)s) AND m.created_at >= %(day_start)s
)

SELECT
    location_id,
    %(day)s::date AS day,
    sum(cents)::bigint AS cents
FROM opening
GROUP BY location_id
