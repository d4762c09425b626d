-- Purpose: make room for the next pass of the batch.
DROP TABLE IF EXISTS pg_temp.computed_days
