-- name: lock_publishing
-- Purpose: let only one transaction at a time publish a period type, so that older figures never
-- overwrite newer ones.
-- Parameters: period_type.
-- Locks: an advisory lock, until the end of the transaction.
SELECT
    pg_advisory_xact_lock(
        hashtextextended('analytics_scheduler publish ' || %(period_type)s, 0)
    ) AS is_locked;


-- name: list_latest_figures
-- Purpose: list the latest snapshot of every active location, as the JSON that is published.
-- Parameters: period_type.
-- Parts: figures (each as text, so that the JSON holds the exact decimal).
-- Rows: one for each active location that has a snapshot: its id and the JSON.
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
WHERE l.is_active;
