-- Purpose: the next batch of active locations, in the order of their ids.
-- Parameters: after (the last id of the batch before, or NULL), until (the last id of the shard,
-- or NULL), size. Rows: one: how many, and the last id.
SELECT
    count(*) AS locations,
    (max(batch.id::text))::uuid AS last_location
FROM (
    SELECT id
    FROM {source}.locations
    WHERE
        is_active
        AND (%(after)s::uuid IS NULL OR id > %(after)s::uuid)
        AND (%(until)s::uuid IS NULL OR id <= %(until)s::uuid)
    ORDER BY id
    LIMIT %(size)s
) AS batch
