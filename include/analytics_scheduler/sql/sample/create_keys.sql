-- name: create_source_keys
-- Purpose: the keys, references and indexes of the source tables, made in one pass after a load.
-- Parameters: none.
-- Rows: none.
-- Locks: the four tables, for the length of the build.
ALTER TABLE {source}.products ADD UNIQUE (sku);
ALTER TABLE {source}.inventory_items
ADD PRIMARY KEY (product_id, location_id),
ADD FOREIGN KEY (product_id) REFERENCES {source}.products,
ADD FOREIGN KEY (location_id) REFERENCES {source}.locations;
ALTER TABLE {source}.stock_movements
ADD PRIMARY KEY (id),
ADD FOREIGN KEY (product_id) REFERENCES {source}.products,
ADD FOREIGN KEY (location_id) REFERENCES {source}.locations;
CREATE INDEX ON {source}.stock_movements (created_at);
CREATE INDEX ON {source}.stock_movements (location_id, created_at);
