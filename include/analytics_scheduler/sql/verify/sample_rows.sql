-- Purpose: draw rows at random. Parameters: sample. Rows: one a snapshot.
SELECT
    location_id,
    id
FROM {analytics}.analytics_snapshots
ORDER BY random()
LIMIT %(sample)s
