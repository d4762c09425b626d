-- name: list_latest_figures
-- Purpose: list the latest snapshots of a page of active locations, as the JSON that is published.
-- Parameters: period_type; after (the last id of the page before, or NULL); size.
-- Parts: figures (each as text, so that the JSON holds the exact decimal).
-- Rows: one per active location that has a snapshot, in order: its id and the JSON.
SELECT
    l.id::text AS location_id,
    row_to_json(latest)::text AS entry
FROM {source}.locations AS l
CROSS JOIN
    LATERAL (
        SELECT
            s.location_id,
            s.period_type,
            s.period_start,
            s.period_end,
            {figures}
        FROM {analytics}.analytics_snapshots AS s
        WHERE s.location_id = l.id AND s.period_type = %(period_type)s
        ORDER BY s.period_start DESC
        LIMIT 1
    ) AS latest
WHERE l.is_active AND (%(after)s::uuid IS NULL OR l.id > %(after)s::uuid)
ORDER BY l.id
LIMIT %(size)s;
