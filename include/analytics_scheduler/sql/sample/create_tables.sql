-- name: create_source_tables
-- Purpose: create the four tables of the source contract, without the keys, which slow a load down.
-- Names have no schema: psql runs this file as it is in docker-compose.yaml.
CREATE TABLE locations (
    id UUID PRIMARY KEY,
    name TEXT NOT NULL,
    is_active BOOLEAN NOT NULL
);
CREATE TABLE products (
    id UUID PRIMARY KEY,
    name TEXT NOT NULL,
    sku TEXT NOT NULL,
    category TEXT NOT NULL,
    cost NUMERIC(10, 2) NOT NULL,
    price NUMERIC(10, 2) NOT NULL
);
CREATE TABLE inventory_items (
    product_id UUID NOT NULL,
    location_id UUID NOT NULL,
    quantity INTEGER NOT NULL,
    last_updated TIMESTAMP NOT NULL
);
CREATE TABLE stock_movements (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    product_id UUID NOT NULL,
    location_id UUID NOT NULL,
    quantity INTEGER NOT NULL,
    type VARCHAR(20) NOT NULL,
    reason TEXT,
    created_at TIMESTAMP NOT NULL
);
