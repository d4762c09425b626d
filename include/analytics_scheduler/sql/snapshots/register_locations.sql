-- Purpose: give every active location of a batch the row that its writers lock.
-- Parameters: after, until (ids, or NULL). Locks: the new rows.
INSERT INTO {analytics}.analytics_snapshot_locations (location_id)
SELECT l.id
FROM {source}.locations AS l
WHERE
    l.is_active
    AND (%(after)s::uuid IS NULL OR l.id > %(after)s::uuid)
    AND (%(until)s::uuid IS NULL OR l.id <= %(until)s::uuid)
    AND NOT EXISTS (
        SELECT FROM {analytics}.analytics_snapshot_locations AS known
        WHERE known.location_id = l.id
    )
ORDER BY l.id
ON CONFLICT DO NOTHING
