-- Purpose: whether any of the source tables holds a row.
-- Parameters: none.
-- Rows: one.
-- Locks: none.
SELECT
    EXISTS (SELECT FROM {source}.locations)
    OR EXISTS (SELECT FROM {source}.products)
    OR EXISTS (SELECT FROM {source}.inventory_items)
    OR EXISTS (SELECT FROM {source}.stock_movements)
