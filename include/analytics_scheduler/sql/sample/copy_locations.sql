-- Purpose: load shops.
-- Parameters: none; the rows come as text on standard input.
-- Rows: none.
-- Locks: the rows that are new.
COPY {source}.locations (id, name, is_active) FROM STDIN
