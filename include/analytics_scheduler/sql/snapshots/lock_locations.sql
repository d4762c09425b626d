-- Purpose: lock a batch of active locations against other writers, in the order of their ids.
-- Parameters: after, until (ids, or NULL). Rows: one a location: its id and name.
-- Locks: a row each in the package's own table, until the transaction ends.
SELECT
    l.id,
    l.name
FROM {source}.locations AS l
INNER JOIN {analytics}.analytics_snapshot_locations AS own ON own.location_id = l.id
WHERE
    l.is_active
    AND (%(after)s::uuid IS NULL OR l.id > %(after)s::uuid)
    AND (%(until)s::uuid IS NULL OR l.id <= %(until)s::uuid)
ORDER BY own.location_id
FOR UPDATE OF own
