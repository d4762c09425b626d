-- Purpose: expected rows that are not there: active locations times wanted slots.
-- Parameters: period_type, slot_starts, first_start (the first of these: no row that begins later
-- ends before it), after, until (ids, or NULL). Rows: one a missing row.
SELECT
    l.id,
    l.name,
    s.period_start
FROM {source}.locations AS l
CROSS JOIN unnest(%(slot_starts)s::date []) AS s (period_start)
WHERE
    l.is_active
    AND (%(after)s::uuid IS NULL OR l.id > %(after)s::uuid)
    AND (%(until)s::uuid IS NULL OR l.id <= %(until)s::uuid)
    AND NOT EXISTS (
        SELECT FROM {analytics}.analytics_snapshots AS written
        WHERE
            written.location_id = l.id
            AND written.period_type = %(period_type)s
            AND written.period_start = s.period_start
            AND written.period_end >= %(first_start)s
    )
ORDER BY l.id, s.period_start
