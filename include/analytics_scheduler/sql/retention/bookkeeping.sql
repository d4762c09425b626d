-- name: prune_days
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
    (SELECT count(*) FROM deleted) AS gone;


-- name: prune_revisions
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
    (SELECT count(*) FROM deleted) AS gone;


-- name: _stale_runs
-- Purpose: a part of other statements: the records of runs that are over, but never the last one
-- of a task that ended in one way.
-- Parameters: moment (records of runs that ended before it are over).
SELECT r.id
FROM {analytics}.analytics_snapshot_runs AS r
WHERE r.finished_at < %(moment)s AND EXISTS (
    SELECT FROM {analytics}.analytics_snapshot_runs AS n
    WHERE n.task = r.task AND n.outcome = r.outcome AND n.finished_at > r.finished_at
)


-- name: prune_runs
-- Purpose: delete a batch of records of runs that are over.
-- Parameters: those of stale_runs, which is the part called stale; batch_size.
-- Rows: one: rows deleted. Locks: the rows that are deleted.
WITH deleted AS (
    DELETE FROM {analytics}.analytics_snapshot_runs AS r
    USING (
        SELECT found.id
        FROM ({stale}) AS found
        ORDER BY found.id
        LIMIT %(batch_size)s
    ) AS s
    WHERE r.id = s.id
    RETURNING r.id
)

SELECT count(*) AS gone FROM deleted;


-- name: _stale_alerts
-- Purpose: a part of other statements: the alerts that are over, but none that waits to be sent
-- and none whose incident is open.
-- Parameters: moment (alerts of before it are over).
SELECT a.id
FROM {analytics}.analytics_snapshot_alerts AS a
WHERE
    a.created_at < %(moment)s AND a.state <> 'waiting'
    AND (NOT a.opens_incident OR a.resolved_at IS NOT NULL)


-- name: prune_alerts
-- Purpose: delete a batch of alerts that are over.
-- Parameters: those of stale_alerts, which is the part called stale; batch_size.
-- Rows: one: rows deleted. Locks: the rows that are deleted.
WITH deleted AS (
    DELETE FROM {analytics}.analytics_snapshot_alerts AS a
    USING (
        SELECT found.id
        FROM ({stale}) AS found
        ORDER BY found.id
        LIMIT %(batch_size)s
    ) AS s
    WHERE a.id = s.id
    RETURNING a.id
)

SELECT count(*) AS gone FROM deleted;


-- name: _stale_prices
-- Purpose: a part of other statements: the costs and prices that were superseded before the
-- oldest day that is kept, so that no stored day is valued by them.
-- Parameters: moment (the first instant of the oldest day that is kept).
SELECT
    p.product_id,
    p.seen_at
FROM {analytics}.analytics_snapshot_prices AS p
WHERE p.seen_at < %(moment)s AND EXISTS (
    SELECT FROM {analytics}.analytics_snapshot_prices AS n
    WHERE n.product_id = p.product_id AND n.seen_at > p.seen_at AND n.seen_at <= %(moment)s
)


-- name: prune_prices
-- Purpose: delete a batch of costs and prices that no stored day is valued by.
-- Parameters: those of stale_prices, which is the part called stale; batch_size.
-- Rows: one: rows deleted. Locks: the rows that are deleted.
WITH deleted AS (
    DELETE FROM {analytics}.analytics_snapshot_prices AS p
    USING (
        SELECT
            found.product_id,
            found.seen_at
        FROM ({stale}) AS found
        ORDER BY found.product_id, found.seen_at
        LIMIT %(batch_size)s
    ) AS s
    WHERE p.product_id = s.product_id AND p.seen_at = s.seen_at
    RETURNING p.product_id
)

SELECT count(*) AS gone FROM deleted;


-- name: count_stale
-- Purpose: how many rows are over. Parameters: those of the part called stale. Rows: one.
-- Locks: none but ACCESS SHARE.
SELECT count(stale.*) AS gone FROM ({stale}) AS stale;
