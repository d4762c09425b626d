-- name: _whole_movements
-- Purpose: the movements of a source whose quantities are whole pieces. `fingerprinted` is what a
-- fingerprint covers besides the product.
SELECT
    location_id,
    product_id,
    created_at,
    type::text AS type,
    quantity,
    quantity AS given_quantity,
    quantity * 16::bigint + length(type::text) AS fingerprinted
FROM {source}.stock_movements;


-- name: _fractional_movements
-- Purpose: the movements of a source whose quantities have decimals, in thousandths: NULL if one is
-- missing, is not a number, or has more than three decimals. `fingerprinted` is the same as for
-- whole pieces as long as a quantity is whole; its thousandths stand above the 50th bit.
SELECT
    location_id,
    product_id,
    created_at,
    type,
    quantity,
    given_quantity,
    quantity / 1000 * 16 + length(type) + (mod(quantity, 1000) << 50) AS fingerprinted
FROM (
    SELECT
        location_id,
        product_id,
        created_at,
        type::text AS type,
        quantity AS given_quantity,
        CASE
            WHEN abs(quantity::numeric) < 1e12 AND quantity = round(quantity::numeric, 3)
                THEN (quantity::numeric * 1000)::bigint
        END AS quantity
    FROM {source}.stock_movements
) AS in_thousandths;


-- name: _whole_stock
-- Purpose: the stock on hand of a source whose quantities are whole pieces.
SELECT
    location_id,
    product_id,
    quantity,
    quantity AS given_quantity
FROM {source}.inventory_items;


-- name: _fractional_stock
-- Purpose: the stock on hand of a source whose quantities have decimals, in thousandths: NULL if
-- one is missing, is not a number, or has more than three decimals.
SELECT
    location_id,
    product_id,
    quantity AS given_quantity,
    CASE
        WHEN abs(quantity::numeric) < 1e12 AND quantity = round(quantity::numeric, 3)
            THEN (quantity::numeric * 1000)::bigint
    END AS quantity
FROM {source}.inventory_items;


-- name: _stored_days
-- Purpose: the stored days with exact amounts: quantities in thousandths of a piece, money in
-- ten-millionths of the currency. The day's own columns in items and cents are truncated.
SELECT
    *,
    closing_e3 - in_e3 + out_e3 + waste_e3 - adjustment_e3 AS opening_e3,
    closing_e7 - in_e7 + out_e7 + waste_e7 - adjustment_e7 AS opening_e7
FROM (
    SELECT
        location_id,
        day,
        movements,
        fingerprint,
        timezone,
        priced_at,
        in_items * 1000 + coalesce(rest[1], 0) AS in_e3,
        out_items * 1000 + coalesce(rest[2], 0) AS out_e3,
        waste_items * 1000 + coalesce(rest[3], 0) AS waste_e3,
        adjustment_items * 1000 + coalesce(rest[4], 0) AS adjustment_e3,
        closing_items * 1000 + coalesce(rest[5], 0) AS closing_e3,
        in_cents * 100000::numeric + coalesce(rest[6], 0) AS in_e7,
        out_cents * 100000::numeric + coalesce(rest[7], 0) AS out_e7,
        waste_cents * 100000::numeric + coalesce(rest[8], 0) AS waste_e7,
        adjustment_cents * 100000::numeric + coalesce(rest[9], 0) AS adjustment_e7,
        revenue_cents * 100000::numeric + coalesce(rest[10], 0) AS revenue_e7,
        closing_cents * 100000::numeric + coalesce(rest[11], 0) AS closing_e7,
        unexplained_items * 1000 + coalesce(rest[12], 0) AS unexplained_e3,
        unexplained_cents * 100000::numeric + coalesce(rest[13], 0) AS unexplained_e7
    FROM (
        SELECT
            *,
            CASE WHEN remainders_of = processed_at THEN remainders END AS rest
        FROM {analytics}.analytics_snapshot_days
    ) AS kept
) AS exact;
