-- Purpose: make room for quantities with three decimals and for costs and prices with four, and say
-- which transaction last wrote the days of a location.
-- Identifiers: analytics is the schema of the package.
-- Locks: the three tables, briefly; no row is rewritten.

-- An older version of the package reads the whole pieces and cents, as before.
ALTER TABLE {analytics}.analytics_snapshot_days
ADD COLUMN remainders INTEGER[],
ADD COLUMN remainders_of TIMESTAMPTZ;
COMMENT ON COLUMN {analytics}.analytics_snapshot_days.remainders IS
'The parts of the amounts below a whole piece or cent: thousandths of a piece and '
'hundred-thousandths of a cent. NULL: none.';

COMMENT ON COLUMN {analytics}.analytics_snapshot_days.remainders_of IS
'The processed_at that the remainders belong to. An older version, which writes neither, changes '
'processed_at, and the remainders are then ignored.';

-- To an older version such a cost or price is unusable, as before: it reads the cents, which are
-- NULL.
ALTER TABLE {analytics}.analytics_snapshot_prices
ADD COLUMN cost_e4 BIGINT,
ADD COLUMN price_e4 BIGINT;
COMMENT ON COLUMN {analytics}.analytics_snapshot_prices.cost_e4 IS
'The cost in ten-thousandths of the currency, if it is not a whole number of cents.';
COMMENT ON COLUMN {analytics}.analytics_snapshot_prices.price_e4 IS
'The price in ten-thousandths of the currency, if it is not a whole number of cents.';

ALTER TABLE {analytics}.analytics_snapshot_locations ADD COLUMN written_in XID8;
COMMENT ON COLUMN {analytics}.analytics_snapshot_locations.written_in IS
'The transaction that last wrote days of the location.';
