-- name: create_source_tables
-- Purpose: the four documented source tables, still without what slows a load down.
-- Parameters: none.
-- Rows: none.
-- Locks: none that matter; the tables are new.
CREATE TABLE {source}.locations (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    is_active boolean NOT NULL
);
CREATE TABLE {source}.products (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    sku text NOT NULL,
    category text NOT NULL,
    cost numeric(10, 2) NOT NULL,
    price numeric(10, 2) NOT NULL
);
CREATE TABLE {source}.inventory_items (
    product_id uuid NOT NULL,
    location_id uuid NOT NULL,
    quantity integer NOT NULL,
    last_updated timestamp NOT NULL
);
CREATE TABLE {source}.stock_movements (
    id bigint GENERATED ALWAYS AS IDENTITY,
    product_id uuid NOT NULL,
    location_id uuid NOT NULL,
    quantity integer NOT NULL,
    type varchar(20) NOT NULL,
    reason text,
    created_at timestamp NOT NULL
);
