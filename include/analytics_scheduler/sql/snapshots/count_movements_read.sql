-- Purpose: how many movements the pass has read, those after its last day included. Rows: one.
SELECT coalesce(sum(movements), 0)::bigint FROM computed_days
