-- Purpose: load movements.
-- Parameters: none; the rows come as text on standard input.
-- Rows: none.
-- Locks: the rows that are new.
COPY {source}.stock_movements (
    product_id, location_id, quantity, type, reason, created_at
) FROM STDIN
