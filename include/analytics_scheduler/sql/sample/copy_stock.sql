-- Purpose: load what is on hand.
-- Parameters: none; the rows come as text on standard input.
-- Rows: none.
-- Locks: the rows that are new.
COPY {source}.inventory_items (product_id, location_id, quantity, last_updated) FROM STDIN
