-- name: read_clock
-- Purpose: read the database's clock, so that a worker whose clock is ahead deletes nothing early.
-- Rows: one: the current time.
SELECT now() AS moment;


-- name: list_due_dates
-- Purpose: list the period ends whose snapshots are older than they are kept, oldest first.
-- Parameters: period_type; cutoff (the first period end that is kept).
-- Rows: one for each period end.
SELECT DISTINCT period_end
FROM {analytics}.analytics_snapshots
WHERE period_type = %(period_type)s AND period_end < %(cutoff)s
ORDER BY period_end;


-- name: judge_snapshots
-- Purpose: find out which of a page of the snapshots of one period end may be deleted. A daily
-- snapshot that waits for longer periods, such as its week, is held back until these have been
-- composed.
-- Parameters: period_type; period_end; after_location, after_start (the last row of the page
-- before, or NULL); page_size (rows); waits_for, earliest_starts (the period types that the
-- snapshots wait for, and for each a day after which it has to begin).
-- Rows: one: the last row of the page (NULL if the page is empty), how many rows it has, the ids of
-- those that may be deleted, how many lack each of the periods that they wait for, and how many
-- lack any.
WITH ended AS MATERIALIZED (
    -- MATERIALIZED, so that these rows are found by their period end. To read them in the order of
    -- locations PostgreSQL might choose the unique key, and walk through all other periods.
    SELECT
        id,
        location_id,
        period_start
    FROM {analytics}.analytics_snapshots
    WHERE
        period_type = %(period_type)s
        AND period_end = %(period_end)s
        AND (
            %(after_location)s::uuid IS NULL
            OR (location_id, period_start) > (%(after_location)s::uuid, %(after_start)s::date)
        )
),

page AS (
    SELECT
        id,
        location_id,
        period_start
    FROM ended
    ORDER BY location_id, period_start
    LIMIT %(page_size)s
),

judged AS MATERIALIZED (
    -- Any period of the type that contains the day will do, also one that is older than the
    -- package. The lower bound of period_start only keeps the index scan short.
    SELECT
        p.id,
        p.location_id,
        p.period_start,
        ARRAY(
            SELECT w.period_type
            FROM
                unnest(%(waits_for)s::text[], %(earliest_starts)s::date[])
                    AS w (period_type, earliest_start)
            WHERE NOT EXISTS (
                SELECT FROM {analytics}.analytics_snapshots AS s
                WHERE
                    s.location_id = p.location_id
                    AND s.period_type = w.period_type
                    AND s.period_start > w.earliest_start
                    AND s.period_start <= %(period_end)s::date
                    AND s.period_end >= %(period_end)s::date
            )
        ) AS lacks
    FROM page AS p
),

last_row AS (
    SELECT
        location_id,
        period_start
    FROM judged
    ORDER BY location_id DESC, period_start DESC
    LIMIT 1
)

SELECT
    (SELECT location_id FROM last_row) AS last_location,
    (SELECT period_start FROM last_row) AS last_start,
    (SELECT count(*) FROM judged) AS found,
    ARRAY(SELECT id FROM judged WHERE cardinality(lacks) = 0) AS prunable,
    ARRAY(
        SELECT count(j.id)
        FROM unnest(%(waits_for)s::text[]) WITH ORDINALITY AS w (period_type, place)
        LEFT JOIN judged AS j ON w.period_type = any(j.lacks)
        GROUP BY w.place
        ORDER BY w.place
    ) AS lacking,
    (SELECT count(*) FROM judged WHERE cardinality(lacks) > 0) AS held;


-- name: delete_snapshots
-- Purpose: delete snapshots, and the adoption marks of those that are older than the package.
-- Parameters: ids.
-- Rows: one: how many snapshots and marks were deleted.
-- Locks: the deleted rows. Rows that another transaction has locked are skipped.
WITH locked AS (
    SELECT s.id
    FROM {analytics}.analytics_snapshots AS s
    WHERE s.id = any(%(ids)s::uuid[])
    FOR UPDATE OF s SKIP LOCKED
),

deleted AS (
    DELETE FROM {analytics}.analytics_snapshots AS s
    USING locked AS l
    WHERE s.id = l.id
    RETURNING s.id
),

unmarked AS (
    DELETE FROM {analytics}.analytics_snapshot_adopted AS a
    USING deleted AS d
    WHERE a.snapshot_id = d.id
    RETURNING a.snapshot_id
)

SELECT
    (SELECT count(*) FROM deleted) AS deleted,
    (SELECT count(*) FROM unmarked) AS marks;


-- name: count_dependents
-- Purpose: count what a deletion of snapshots would leave without a snapshot.
-- Parameters: ids; period_type.
-- Rows: one: how many adoption marks, days and revisions.
WITH doomed AS MATERIALIZED (
    SELECT
        id,
        location_id,
        period_start
    FROM {analytics}.analytics_snapshots
    WHERE id = any(%(ids)s::uuid[])
)

SELECT
    (
        SELECT count(*) FROM {analytics}.analytics_snapshot_adopted AS a
        INNER JOIN doomed AS s ON a.snapshot_id = s.id
    ) AS marks,
    (
        SELECT count(*) FROM {analytics}.analytics_snapshot_days AS d
        INNER JOIN doomed AS s ON d.location_id = s.location_id AND d.day = s.period_start
        WHERE %(period_type)s = 'daily'
    ) AS days,
    (
        SELECT count(*) FROM {analytics}.analytics_snapshot_revisions AS r
        INNER JOIN doomed AS s
            ON r.location_id = s.location_id AND r.period_start = s.period_start
        WHERE r.period_type = %(period_type)s
    ) AS revisions;
