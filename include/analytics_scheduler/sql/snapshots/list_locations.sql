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
ORDER BY id
