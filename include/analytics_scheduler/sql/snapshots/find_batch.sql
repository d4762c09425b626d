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
LIMIT 2 OFFSET %(size)s - 1
