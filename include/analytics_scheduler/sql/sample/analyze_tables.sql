-- Purpose: let the planner know the tables that were just loaded.
-- Parameters: none.
-- Rows: none.
-- Locks: SHARE UPDATE EXCLUSIVE on the four tables, for a moment.
ANALYZE
    {source}.locations,
    {source}.products,
    {source}.inventory_items,
    {source}.stock_movements
