-- name: count_locations
-- Purpose: how many locations are active. Rows: one.
SELECT count(*) FROM {source}.locations WHERE is_active;


-- name: find_shards
-- Purpose: cut the active locations into ranges of ids of about equal size.
-- Parameters: shards. Rows: one a range: its number, its last id and how many locations it holds.
SELECT
    shard,
    (max(id::text))::uuid AS last_location,
    count(*) AS locations
FROM (
    SELECT
        id,
        ntile(%(shards)s) OVER (ORDER BY id) AS shard
    FROM {source}.locations
    WHERE is_active
) AS cut
GROUP BY shard
ORDER BY shard;


-- name: find_batch_end
-- Purpose: where the next batch of active locations ends, in the order of their ids.
-- Parameters: after (the last id of the batch before, or NULL), until (the last id of the shard,
-- or NULL), size. Rows: the last id of the batch and the first id behind it; the second is missing
-- where the batch is the last.
SELECT id
FROM {source}.locations
WHERE
    is_active
    AND (%(after)s::uuid IS NULL OR id > %(after)s::uuid)
    AND (%(until)s::uuid IS NULL OR id <= %(until)s::uuid)
ORDER BY id
LIMIT 2 OFFSET %(size)s - 1;


-- name: list_locations
-- Purpose: the active locations of a batch. Parameters: after, until (ids, or NULL).
-- Rows: one a location, in the order of their ids.
SELECT
    id,
    name
FROM {source}.locations
WHERE
    is_active
    AND (%(after)s::uuid IS NULL OR id > %(after)s::uuid)
    AND (%(until)s::uuid IS NULL OR id <= %(until)s::uuid)
ORDER BY id;


-- name: register_locations
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
ON CONFLICT DO NOTHING;


-- name: lock_locations
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
FOR UPDATE OF own;
