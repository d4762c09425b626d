-- name: count_locations
-- Purpose: count the active locations.
-- Rows: one: the count.
SELECT count(*) FROM {source}.locations WHERE is_active;


-- name: find_shards
-- Purpose: cut the active locations into ranges of ids of about equal size.
-- Parameters: shards (how many); after; until (cut the locations between these ids, or NULL).
-- Rows: one per range, in order: its last id.
SELECT (max(id::text))::uuid AS last_location
FROM (
    SELECT
        id,
        ntile(%(shards)s) OVER (ORDER BY id) AS shard
    FROM {source}.locations
    WHERE
        is_active
        AND (%(after)s::uuid IS NULL OR id > %(after)s::uuid)
        AND (%(until)s::uuid IS NULL OR id <= %(until)s::uuid)
) AS cut
GROUP BY shard
ORDER BY shard;


-- name: find_batch_end
-- Purpose: find where the next batch of active locations ends, in the order of their ids.
-- Parameters: after (the last id of the batch before, or NULL); until (the last id of the shard, or
-- NULL); size (how many locations a batch has).
-- Rows: the last id of the batch and the first id behind it; only the first if no location follows.
SELECT id
FROM {source}.locations
WHERE
    is_active
    AND (%(after)s::uuid IS NULL OR id > %(after)s::uuid)
    AND (%(until)s::uuid IS NULL OR id <= %(until)s::uuid)
ORDER BY id
LIMIT 2 OFFSET %(size)s - 1;


-- name: list_locations
-- Purpose: list the active locations of a batch.
-- Parameters: after (an id, or NULL); until (an id, or NULL).
-- Rows: one per location, in the order of their ids: id and name.
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
-- Parameters: after (an id, or NULL); until (an id, or NULL); chosen (of these ids, or NULL).
-- Locks: the rows written.
INSERT INTO {analytics}.analytics_snapshot_locations (location_id)
SELECT l.id
FROM {source}.locations AS l
WHERE
    l.is_active
    AND (%(after)s::uuid IS NULL OR l.id > %(after)s::uuid)
    AND (%(until)s::uuid IS NULL OR l.id <= %(until)s::uuid)
    AND (%(chosen)s::uuid[] IS NULL OR l.id = any(%(chosen)s::uuid[]))
    AND NOT EXISTS (
        SELECT FROM {analytics}.analytics_snapshot_locations AS known
        WHERE known.location_id = l.id
    )
ORDER BY l.id
ON CONFLICT DO NOTHING;


-- name: lock_locations
-- Purpose: lock the active locations of a batch against other writers, in the order of their ids,
-- so that two runs that meet never wait for each other in a circle.
-- Parameters: after (an id, or NULL); until (an id, or NULL); chosen (of these ids, or NULL).
-- Rows: one per location: its id and name.
-- Locks: a row of analytics_snapshot_locations for each location, until the transaction ends.
SELECT
    l.id,
    l.name
FROM {source}.locations AS l
INNER JOIN {analytics}.analytics_snapshot_locations AS own ON own.location_id = l.id
WHERE
    l.is_active
    AND (%(after)s::uuid IS NULL OR l.id > %(after)s::uuid)
    AND (%(until)s::uuid IS NULL OR l.id <= %(until)s::uuid)
    AND (%(chosen)s::uuid[] IS NULL OR l.id = any(%(chosen)s::uuid[]))
ORDER BY own.location_id
FOR UPDATE OF own;


-- name: list_stale_locations
-- Purpose: list the locations whose days were written by a transaction that the reading did not
-- see. A statement of its own, after the locks: one that waits for locks knows only transactions
-- that had begun before it waited. A transaction that has not begun at all is that of another
-- server, whose backup was restored.
-- Parameters: locations; snapshot (that of the reading).
-- Rows: one per location: its id.
SELECT location_id
FROM {analytics}.analytics_snapshot_locations
WHERE
    location_id = any(%(locations)s::uuid[])
    AND written_in < pg_snapshot_xmax(pg_current_snapshot())
    AND NOT pg_visible_in_snapshot(written_in, %(snapshot)s::pg_snapshot);


-- name: read_snapshot
-- Purpose: say which transactions this one sees.
-- Rows: one: the snapshot, as text.
SELECT pg_current_snapshot()::text AS seen;
