-- Purpose: say what makes days of one location unusable.
-- Parameters: location, first_start (the first instant of the earliest such day), priced_at.
-- Rows: one a kind of problem, with a count.
SELECT
    problem,
    count(*) AS occurrences
FROM (
    SELECT CASE
        WHEN m.type IS NULL THEN 'movements without a type'
        WHEN m.type::text NOT IN ('in', 'out', 'waste', 'adjustment')
            THEN 'movements of the unknown type ' || quote_literal(left(m.type::text, 40))
        WHEN m.quantity IS NULL THEN 'movements without a quantity'
        WHEN p.product_id IS NULL THEN 'movements of a product that does not exist'
        WHEN p.cost_cents IS NULL THEN 'movements of a product whose cost is missing or unusable'
        WHEN m.type::text = 'out' AND p.price_cents IS NULL
            THEN 'sales of a product whose price is missing or unusable'
    END AS problem
    FROM {source}.stock_movements AS m
    LEFT JOIN ({prices}) AS p ON p.product_id = m.product_id
    WHERE m.location_id = %(location)s AND m.created_at >= %(first_start)s
    UNION ALL
    SELECT CASE
        WHEN i.quantity IS NULL THEN 'stock rows without a quantity'
        WHEN p.product_id IS NULL THEN 'stock rows of a product that does not exist'
        WHEN p.cost_cents IS NULL THEN 'stock rows of a product whose cost is missing or unusable'
    END AS problem
    FROM {source}.inventory_items AS i
    LEFT JOIN ({prices}) AS p ON p.product_id = i.product_id
    WHERE i.location_id = %(location)s
) AS found
WHERE problem IS NOT NULL
GROUP BY problem
ORDER BY problem
