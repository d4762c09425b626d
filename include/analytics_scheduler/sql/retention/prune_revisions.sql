-- Purpose: delete the revisions of snapshots that are pruned, for one page of locations.
-- Parameters: period_type; cutoff (the first period end that is kept); after_location (where the
-- last page ended, or NULL); page_size (locations); batch_size (rows).
-- Rows: one: the last location of the page (NULL: there was none), rows found, rows deleted.
-- Locks: the rows that are deleted; those that others hold are passed over.
WITH page AS MATERIALIZED (
    SELECT l.location_id
    FROM {analytics}.analytics_snapshot_locations AS l
    WHERE %(after_location)s::uuid IS NULL OR l.location_id > %(after_location)s::uuid
    ORDER BY l.location_id
    LIMIT %(page_size)s
),

stale AS MATERIALIZED (
    SELECT r.id
    FROM page AS p
    INNER JOIN {analytics}.analytics_snapshot_revisions AS r ON p.location_id = r.location_id
    WHERE
        r.period_type = %(period_type)s AND r.period_end < %(cutoff)s
        AND NOT EXISTS (
            SELECT FROM {analytics}.analytics_snapshots AS s
            WHERE
                s.location_id = r.location_id
                AND s.period_type = r.period_type AND s.period_start = r.period_start
        )
    ORDER BY r.location_id, r.id
    LIMIT %(batch_size)s
    FOR UPDATE OF r SKIP LOCKED
),

deleted AS (
    DELETE FROM {analytics}.analytics_snapshot_revisions AS r
    USING stale AS s
    WHERE r.id = s.id
    RETURNING r.id
),

ends AS (
    SELECT location_id
    FROM page
    ORDER BY location_id DESC
    LIMIT 1
)

SELECT
    (SELECT location_id FROM ends) AS last_location,
    (SELECT count(*) FROM stale) AS found,
    (SELECT count(*) FROM deleted) AS gone
