-- name: prune_days
-- Purpose: delete the bookkeeping of days whose snapshots have been deleted, for one page of
-- locations.
-- Parameters: cutoff (the first day that is kept); after_location (the last location of the page
-- before, or NULL); location_count (locations in the page); page_size (rows).
-- Rows: one: the last location of the page (NULL if the page is empty), rows found, rows deleted.
-- Locks: the locations concerned, as everyone who writes days does. Locations that a snapshot run
-- has locked are skipped.
WITH page AS MATERIALIZED (
    SELECT l.location_id
    FROM {analytics}.analytics_snapshot_locations AS l
    WHERE %(after_location)s::uuid IS NULL OR l.location_id > %(after_location)s::uuid
    ORDER BY l.location_id
    LIMIT %(location_count)s
),

expired AS MATERIALIZED (
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
    LIMIT %(page_size)s
),

locked AS MATERIALIZED (
    SELECT l.location_id
    FROM {analytics}.analytics_snapshot_locations AS l
    WHERE l.location_id IN (SELECT location_id FROM expired)
    FOR UPDATE OF l SKIP LOCKED
),

deleted AS (
    DELETE FROM {analytics}.analytics_snapshot_days AS d
    USING expired AS e
    WHERE
        d.location_id = e.location_id AND d.day = e.day
        AND e.location_id IN (SELECT location_id FROM locked)
    RETURNING d.day
)

SELECT
    (SELECT location_id FROM page ORDER BY location_id DESC LIMIT 1) AS last_location,
    (SELECT count(*) FROM expired) AS found,
    (SELECT count(*) FROM deleted) AS deleted;


-- name: prune_revisions
-- Purpose: delete the revisions of snapshots that have been deleted, for one page of locations.
-- Parameters: period_type; cutoff (the first period end that is kept); after_location (the last
-- location of the page before, or NULL); location_count (locations in the page); page_size (rows).
-- Rows: one: the last location of the page (NULL if the page is empty), rows found, rows deleted.
-- Locks: the deleted rows. Rows that another transaction has locked are skipped.
WITH page AS MATERIALIZED (
    SELECT l.location_id
    FROM {analytics}.analytics_snapshot_locations AS l
    WHERE %(after_location)s::uuid IS NULL OR l.location_id > %(after_location)s::uuid
    ORDER BY l.location_id
    LIMIT %(location_count)s
),

expired AS MATERIALIZED (
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
    LIMIT %(page_size)s
    FOR UPDATE OF r SKIP LOCKED
),

deleted AS (
    DELETE FROM {analytics}.analytics_snapshot_revisions AS r
    USING expired AS e
    WHERE r.id = e.id
    RETURNING r.id
)

SELECT
    (SELECT location_id FROM page ORDER BY location_id DESC LIMIT 1) AS last_location,
    (SELECT count(*) FROM expired) AS found,
    (SELECT count(*) FROM deleted) AS deleted;


-- name: find_old_runs
-- Purpose: find old records of runs. The newest record of each task and outcome is kept.
-- Parameters: moment (runs that ended before it are old); page_size (rows, or NULL for all).
-- Rows: one per record: its id.
SELECT r.id
FROM {analytics}.analytics_snapshot_runs AS r
WHERE
    r.finished_at < %(moment)s AND EXISTS (
        SELECT FROM {analytics}.analytics_snapshot_runs AS n
        WHERE n.task = r.task AND n.outcome = r.outcome AND n.finished_at > r.finished_at
    )
ORDER BY r.id
LIMIT %(page_size)s;


-- name: delete_runs
-- Purpose: delete records of runs.
-- Parameters: ids.
-- Locks: the deleted rows.
DELETE FROM {analytics}.analytics_snapshot_runs WHERE id = any(%(ids)s);


-- name: find_old_alerts
-- Purpose: find old alerts. Those that wait to be sent, and those whose incident is open, are kept.
-- Parameters: moment (alerts created before it are old); page_size (rows, or NULL for all).
-- Rows: one per alert: its id.
SELECT a.id
FROM {analytics}.analytics_snapshot_alerts AS a
WHERE
    a.created_at < %(moment)s AND a.state <> 'waiting'
    AND (NOT a.opens_incident OR a.resolved_at IS NOT NULL)
ORDER BY a.id
LIMIT %(page_size)s;


-- name: delete_alerts
-- Purpose: delete alerts.
-- Parameters: ids.
-- Locks: the deleted rows.
DELETE FROM {analytics}.analytics_snapshot_alerts WHERE id = any(%(ids)s);


-- name: read_oldest_day
-- Purpose: find the oldest day that has a daily snapshot.
-- Parameters: from_day (days before it do not count, or NULL).
-- Rows: one: the day, or NULL.
SELECT min(period_end) AS oldest_day
FROM {analytics}.analytics_snapshots
WHERE
    period_type = 'daily'
    AND (%(from_day)s::date IS NULL OR period_end >= %(from_day)s::date);


-- name: find_old_prices
-- Purpose: find costs and prices that were superseded before the oldest kept day, so that no stored
-- day is valued at them.
-- Parameters: moment (the first instant of the oldest kept day); page_size (rows, or NULL for all).
-- Rows: one per price: the product and when its price was seen.
SELECT
    p.product_id,
    p.seen_at
FROM {analytics}.analytics_snapshot_prices AS p
WHERE
    p.seen_at < %(moment)s AND EXISTS (
        SELECT FROM {analytics}.analytics_snapshot_prices AS n
        WHERE n.product_id = p.product_id AND n.seen_at > p.seen_at AND n.seen_at <= %(moment)s
    )
ORDER BY p.product_id, p.seen_at
LIMIT %(page_size)s;


-- name: delete_prices
-- Purpose: delete costs and prices.
-- Parameters: products; moments (of the same length: when each was seen).
-- Locks: the deleted rows.
DELETE FROM {analytics}.analytics_snapshot_prices AS p
USING unnest(%(products)s::uuid[], %(moments)s::timestamptz[]) AS d (product_id, seen_at)
WHERE p.product_id = d.product_id AND p.seen_at = d.seen_at;
