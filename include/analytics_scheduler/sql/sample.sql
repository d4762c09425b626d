-- name: has_rows
-- Purpose: whether any of the source tables holds a row.
-- Parameters: none.
-- Rows: one.
-- Locks: none.
SELECT
    EXISTS (SELECT FROM {source}.locations)
    OR EXISTS (SELECT FROM {source}.products)
    OR EXISTS (SELECT FROM {source}.inventory_items)
    OR EXISTS (SELECT FROM {source}.stock_movements);


-- name: copy_locations
-- Purpose: load shops.
-- Parameters: none; the rows come as text on standard input.
-- Rows: none.
-- Locks: the rows that are new.
COPY {source}.locations (id, name, is_active) FROM STDIN;


-- name: copy_products
-- Purpose: load products.
-- Parameters: none; the rows come as text on standard input.
-- Rows: none.
-- Locks: the rows that are new.
COPY {source}.products (id, name, sku, category, cost, price) FROM STDIN;


-- name: copy_stock
-- Purpose: load what is on hand.
-- Parameters: none; the rows come as text on standard input.
-- Rows: none.
-- Locks: the rows that are new.
COPY {source}.inventory_items (product_id, location_id, quantity, last_updated) FROM STDIN;


-- name: copy_movements
-- Purpose: load movements.
-- Parameters: none; the rows come as text on standard input.
-- Rows: none.
-- Locks: the rows that are new.
COPY {source}.stock_movements (
    product_id, location_id, quantity, type, reason, created_at
) FROM STDIN;


-- name: analyze_tables
-- Purpose: let the planner know the tables that were just loaded.
-- Parameters: none.
-- Rows: none.
-- Locks: SHARE UPDATE EXCLUSIVE on the four tables, for a moment.
ANALYZE
    {source}.locations,
    {source}.products,
    {source}.inventory_items,
    {source}.stock_movements;
