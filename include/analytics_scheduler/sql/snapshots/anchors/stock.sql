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
