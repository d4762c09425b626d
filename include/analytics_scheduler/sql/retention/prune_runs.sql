-- Purpose: delete a batch of records of runs that are over.
-- Parameters: those of stale_runs, which is the part called stale; batch_size.
-- Rows: one: rows deleted. Locks: the rows that are deleted.
WITH deleted AS (
    DELETE FROM {analytics}.analytics_snapshot_runs AS r
    USING (
        SELECT found.id
        FROM ({stale}) AS found
        ORDER BY found.id
        LIMIT %(batch_size)s
    ) AS s
    WHERE r.id = s.id
    RETURNING r.id
)

SELECT count(*) AS gone FROM deleted
