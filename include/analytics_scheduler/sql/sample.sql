-- name: lift_timeout
-- Purpose: let the statements of this transaction take as long as they need.
SELECT set_config('statement_timeout', '0', TRUE);


-- name: set_search_path
-- Purpose: look up names without a schema in this schema only, until the transaction ends.
-- Parameters: schema.
SELECT set_config('search_path', quote_ident(%(schema)s), TRUE);


-- name: has_rows
-- Purpose: find whether any of the source tables has a row.
-- Rows: one: true or false.
SELECT
    EXISTS (SELECT FROM {source}.locations)
    OR EXISTS (SELECT FROM {source}.products)
    OR EXISTS (SELECT FROM {source}.inventory_items)
    OR EXISTS (SELECT FROM {source}.stock_movements);


-- name: copy_locations
-- Purpose: load locations.
-- Locks: the new rows.
COPY {source}.locations (id, name, is_active) FROM STDIN;


-- name: copy_products
-- Purpose: load products.
-- Locks: the new rows.
COPY {source}.products (id, name, sku, category, cost, price) FROM STDIN;


-- name: copy_stock
-- Purpose: load the stock.
-- Locks: the new rows.
COPY {source}.inventory_items (product_id, location_id, quantity, last_updated) FROM STDIN;


-- name: copy_movements
-- Purpose: load movements.
-- Locks: the new rows.
COPY {source}.stock_movements (
    product_id, location_id, quantity, type, reason, created_at
) FROM STDIN;


-- name: analyze_tables
-- Purpose: tell the planner about the loaded rows.
-- Locks: SHARE UPDATE EXCLUSIVE on the four tables.
ANALYZE
{source}.locations,
{source}.products,
{source}.inventory_items,
{source}.stock_movements;
