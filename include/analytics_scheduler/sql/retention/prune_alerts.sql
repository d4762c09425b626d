-- Purpose: delete a batch of alerts that are over.
-- Parameters: those of stale_alerts, which is the part called stale; batch_size.
-- Rows: one: rows deleted. Locks: the rows that are deleted.
WITH deleted AS (
    DELETE FROM {analytics}.analytics_snapshot_alerts AS a
    USING (
        SELECT found.id
        FROM ({stale}) AS found
        ORDER BY found.id
        LIMIT %(batch_size)s
    ) AS s
    WHERE a.id = s.id
    RETURNING a.id
)

SELECT count(*) AS gone FROM deleted
