-- Purpose: how many rows stood in the table before the package came. Rows: one.
SELECT count(*) FROM {analytics}.analytics_snapshot_adopted
