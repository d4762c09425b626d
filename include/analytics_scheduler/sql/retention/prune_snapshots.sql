-- name: prune_snapshots
-- Purpose: delete one page of the snapshots of one period end, or count them in a dry run. A daily
-- snapshot that waits for its week or month is held back until that has been composed. The adoption
-- mark of a deleted snapshot is deleted with it.
-- Parameters: period_type; period_end; after_location, after_start (the last row of the page
-- before, or NULL); page_size (rows); waits_for_week, waits_for_month (whether the snapshots wait
-- for theirs); dry_run.
-- Rows: one: the last row of the page (NULL if the page is empty); how many rows it has, how many
-- of them and of their adoption marks are deleted, and how many lack their week, their month or
-- either; in a dry run also how many days and revisions would be deleted later.
-- Locks: the deleted rows. Rows that another transaction has locked are skipped. None in a dry run.
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
    -- Any week or month that contains the day will do, also one that is older than the package. The
    -- lower bounds of period_start only keep the index scan short: 14 and 62 days are two weeks and
    -- two months, longer than any single one.
    SELECT
        p.id,
        p.location_id,
        p.period_start,
        %(waits_for_week)s AND NOT EXISTS (
            SELECT FROM {analytics}.analytics_snapshots AS w
            WHERE
                w.location_id = p.location_id AND w.period_type = 'weekly'
                AND w.period_start > %(period_end)s::date - 14
                AND w.period_start <= %(period_end)s::date
                AND w.period_end >= %(period_end)s::date
        ) AS lacks_week,
        %(waits_for_month)s AND NOT EXISTS (
            SELECT FROM {analytics}.analytics_snapshots AS m
            WHERE
                m.location_id = p.location_id AND m.period_type = 'monthly'
                AND m.period_start > %(period_end)s::date - 62
                AND m.period_start <= %(period_end)s::date
                AND m.period_end >= %(period_end)s::date
        ) AS lacks_month
    FROM page AS p
),

prunable AS NOT MATERIALIZED (
    SELECT
        id,
        location_id,
        period_start
    FROM judged
    WHERE NOT lacks_week AND NOT lacks_month
),

locked AS (
    SELECT s.id
    FROM {analytics}.analytics_snapshots AS s
    INNER JOIN prunable AS p ON s.id = p.id
    WHERE NOT %(dry_run)s
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
),

counted AS (
    SELECT
        count(*) AS found,
        count(*) FILTER (WHERE lacks_week) AS lack_week,
        count(*) FILTER (WHERE lacks_month) AS lack_month,
        count(*) FILTER (WHERE lacks_week OR lacks_month) AS held
    FROM judged
)

SELECT
    (SELECT location_id FROM last_row) AS last_location,
    (SELECT period_start FROM last_row) AS last_start,
    c.found,
    CASE
        WHEN %(dry_run)s THEN (SELECT count(*) FROM prunable)
        ELSE (SELECT count(*) FROM deleted)
    END AS deleted,
    CASE
        WHEN %(dry_run)s
            THEN (
                SELECT count(*) FROM {analytics}.analytics_snapshot_adopted AS a
                INNER JOIN prunable AS p ON a.snapshot_id = p.id
            )
        ELSE (SELECT count(*) FROM unmarked)
    END AS marks,
    CASE
        WHEN %(dry_run)s AND %(period_type)s = 'daily'
            THEN (
                SELECT count(*) FROM {analytics}.analytics_snapshot_days AS d
                INNER JOIN prunable AS p
                    ON d.location_id = p.location_id AND d.day = p.period_start
            )
        ELSE 0
    END AS days,
    CASE
        WHEN %(dry_run)s
            THEN (
                SELECT count(*) FROM {analytics}.analytics_snapshot_revisions AS r
                INNER JOIN prunable AS p
                    ON r.location_id = p.location_id AND r.period_start = p.period_start
                WHERE r.period_type = %(period_type)s
            )
        ELSE 0
    END AS revisions,
    c.lack_week,
    c.lack_month,
    c.held
FROM counted AS c;
