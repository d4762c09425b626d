-- Purpose: make the table of snapshots; an existing one of this shape is left as it is.
-- Identifiers: analytics is the schema of the package; location_reference is the foreign key, or
-- nothing where `locations` is a view.
-- Locks: none on other tables but a short one on `locations` for the foreign key.
CREATE TABLE IF NOT EXISTS {analytics}.analytics_snapshots (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    location_id UUID NOT NULL {location_reference},
    period_type VARCHAR(20) NOT NULL,
    period_start DATE NOT NULL,
    period_end DATE NOT NULL,
    total_inventory_value DECIMAL(12, 2),
    total_items INTEGER,
    turnover_ratio DECIMAL(8, 2),
    wastage_value DECIMAL(12, 2),
    wastage_percentage DECIMAL(5, 2),
    revenue DECIMAL(12, 2),
    cost_of_goods_sold DECIMAL(12, 2),
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    UNIQUE (location_id, period_type, period_start)
);
