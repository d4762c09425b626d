-- Purpose: the next batch of locations that have snapshots, in the order of their ids.
-- Parameters: after (the last id of the batch before, or NULL), size. Rows: one a location.
SELECT DISTINCT location_id
FROM {analytics}.analytics_snapshots
WHERE %(after)s::uuid IS NULL OR location_id > %(after)s::uuid
ORDER BY location_id
LIMIT %(size)s
