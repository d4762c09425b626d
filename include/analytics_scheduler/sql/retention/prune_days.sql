-- Purpose: delete the bookkeeping of days whose snapshot is pruned, for one page of locations.
-- Parameters: cutoff (the first day that is kept); after_location (where the last page ended, or
-- NULL); page_size (locations); batch_size (rows).
-- Rows: one: the last location of the page (NULL: there was none), rows found, rows deleted.
-- Locks: the rows of the locations concerned, as every writer of days; those held by a snapshot
-- run are passed over.
WITH page AS MATERIALIZED (
    SELECT l.location_id
    FROM {analytics}.analytics_snapshot_locations AS l
    WHERE %(after_location)s::uuid IS NULL OR l.location_id > %(after_location)s::uuid
    ORDER BY l.location_id
    LIMIT %(page_size)s
),

stale AS MATERIALIZED (
    SELECT
        d.location_id,
        d.day
    FROM page AS p
    INNER JOIN {analytics}.analytics_snapshot_days AS d ON p.location_id = d.location_id
    WHERE
        d.day < %(cutoff)s
        AND NOT EXISTS (
            SELECT FROM {analytics}.analytics_snapshots AS s
            WHERE
                s.location_id = d.location_id
                AND s.period_type = 'daily' AND s.period_start = d.day
        )
    ORDER BY d.location_id, d.day
    LIMIT %(batch_size)s
),

locked AS MATERIALIZED (
    SELECT l.location_id
    FROM {analytics}.analytics_snapshot_locations AS l
    WHERE l.location_id IN (SELECT location_id FROM stale)
    FOR UPDATE OF l SKIP LOCKED
),

deleted AS (
    DELETE FROM {analytics}.analytics_snapshot_days AS d
    USING stale AS s
    WHERE
        d.location_id = s.location_id AND d.day = s.day
        AND s.location_id IN (SELECT location_id FROM locked)
    RETURNING d.day
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
