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


-- name: _judged_snapshots
-- Purpose: one page of the snapshots of one period end, and what holds each back: the longer
-- periods that it waits for and that have not been composed. A part, because two statements, one
-- that judges and one that deletes by ids, take 1.16 times as long.
-- Parameters: period_type; period_end; after_location, after_start (the last row of the page
-- before, or NULL); page_size (rows); waits_for, earliest_starts (the period types that the
-- snapshots wait for, and for each a day after which it has to begin).
-- Rows: one per snapshot, in order: its id, location and first day, and what it lacks.
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
)

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
FROM page AS p;


-- name: prune_snapshots
-- Purpose: delete a page of the snapshots of one period end, but none that waits for a longer
-- period, and the adoption marks of those deleted.
-- Parameters: period_type; period_end; after_location; after_start; page_size; waits_for;
-- earliest_starts (see _judged_snapshots).
-- Parts: _judged_snapshots.
-- Rows: one: the last row of the page (NULL if the page is empty); how many rows it has, how many
-- of them and of their adoption marks were deleted, how many lack each of the periods that they
-- wait for, and how many lack any.
-- Locks: the deleted rows. Rows that another transaction has locked are skipped.
WITH judged AS MATERIALIZED ({_judged_snapshots}),

locked AS (
    SELECT s.id
    FROM {analytics}.analytics_snapshots AS s
    INNER JOIN judged AS j ON s.id = j.id
    WHERE cardinality(j.lacks) = 0
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
    (SELECT count(*) FROM deleted) AS deleted,
    (SELECT count(*) FROM unmarked) AS marks,
    ARRAY(
        SELECT count(j.id)
        FROM unnest(%(waits_for)s::text[]) WITH ORDINALITY AS w (period_type, place)
        LEFT JOIN judged AS j ON w.period_type = any(j.lacks)
        GROUP BY w.place
        ORDER BY w.place
    ) AS lacking,
    (SELECT count(*) FROM judged WHERE cardinality(lacks) > 0) AS held;


-- name: count_prunable
-- Purpose: count what prune_snapshots would delete, and what would be deleted later because of it.
-- Parameters: period_type; period_end; after_location; after_start; page_size; waits_for;
-- earliest_starts (see _judged_snapshots).
-- Parts: _judged_snapshots.
-- Rows: one: those of prune_snapshots, and how many days and revisions would be deleted later.
WITH judged AS MATERIALIZED ({_judged_snapshots}),

prunable AS NOT MATERIALIZED (
    SELECT
        id,
        location_id,
        period_start
    FROM judged
    WHERE cardinality(lacks) = 0
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
    (SELECT count(*) FROM prunable) AS deleted,
    (
        SELECT count(*) FROM {analytics}.analytics_snapshot_adopted AS a
        INNER JOIN prunable AS p ON a.snapshot_id = p.id
    ) AS marks,
    (
        SELECT count(*) FROM {analytics}.analytics_snapshot_days AS d
        INNER JOIN prunable AS p ON d.location_id = p.location_id AND d.day = p.period_start
        WHERE %(period_type)s = 'daily'
    ) AS days,
    (
        SELECT count(*) FROM {analytics}.analytics_snapshot_revisions AS r
        INNER JOIN prunable AS p
            ON r.location_id = p.location_id AND r.period_start = p.period_start
        WHERE r.period_type = %(period_type)s
    ) AS revisions,
    ARRAY(
        SELECT count(j.id)
        FROM unnest(%(waits_for)s::text[]) WITH ORDINALITY AS w (period_type, place)
        LEFT JOIN judged AS j ON w.period_type = any(j.lacks)
        GROUP BY w.place
        ORDER BY w.place
    ) AS lacking,
    (SELECT count(*) FROM judged WHERE cardinality(lacks) > 0) AS held;
