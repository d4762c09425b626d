-- Purpose: load products.
-- Parameters: none; the rows come as text on standard input.
-- Rows: none.
-- Locks: the rows that are new.
COPY {source}.products (id, name, sku, category, cost, price) FROM STDIN
