-- name: create_source_keys
-- Purpose: create the keys, references and indexes of the source tables, fastest after a load.
-- Names have no schema: psql runs this file as it is in docker-compose.yaml.
-- Locks: the four tables, while the indexes are built.
ALTER TABLE products ADD UNIQUE (sku);
ALTER TABLE inventory_items
ADD PRIMARY KEY (product_id, location_id),
ADD FOREIGN KEY (product_id) REFERENCES products,
ADD FOREIGN KEY (location_id) REFERENCES locations;
ALTER TABLE stock_movements
ADD PRIMARY KEY (id),
ADD FOREIGN KEY (product_id) REFERENCES products,
ADD FOREIGN KEY (location_id) REFERENCES locations;
CREATE INDEX ON stock_movements (created_at);
CREATE INDEX ON stock_movements (location_id, created_at);
