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
ORDER BY shard
