-- Purpose: how many locations are active. Rows: one.
SELECT count(*) FROM {source}.locations WHERE is_active
