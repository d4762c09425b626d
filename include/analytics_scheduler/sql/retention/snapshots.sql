-- name: read_clock
-- Purpose: the database's own clock, a second witness of what day it is. Rows: one.
SELECT now() AS moment;


-- name: list_due_dates
-- Purpose: the period ends of which rows are over, oldest first.
-- Parameters: period_type; cutoff (the first day that is kept). Rows: one a date.
-- Locks: none but ACCESS SHARE.
SELECT DISTINCT period_end
FROM {analytics}.analytics_snapshots
WHERE period_type = %(period_type)s AND period_end < %(cutoff)s
ORDER BY period_end;


-- name: _judged_date
-- Purpose: a part of other statements: one page of the rows of one period end, in order, and for
-- a day whether the week or the month that holds it has still to be composed from it.
-- Parameters: period_type, period_end; after_location, after_start (where the last page ended, or
-- NULL); page_size (NULL: all); waits_for_week, waits_for_month (whether those periods count).
SELECT
    d.id,
    d.location_id,
    d.period_start,
    %(waits_for_week)s AND NOT EXISTS (
        SELECT FROM {analytics}.analytics_snapshots AS w
        WHERE
            w.location_id = d.location_id AND w.period_type = 'weekly'
            AND w.period_start > %(period_end)s::date - 14
            AND w.period_start <= %(period_end)s::date
            AND w.period_end >= %(period_end)s::date
    ) AS lacks_week,
    %(waits_for_month)s AND NOT EXISTS (
        SELECT FROM {analytics}.analytics_snapshots AS m
        WHERE
            m.location_id = d.location_id AND m.period_type = 'monthly'
            AND m.period_start > %(period_end)s::date - 62
            AND m.period_start <= %(period_end)s::date
            AND m.period_end >= %(period_end)s::date
    ) AS lacks_month
FROM (
    SELECT
        s.id,
        s.location_id,
        s.period_start
    FROM {analytics}.analytics_snapshots AS s
    WHERE s.period_type = %(period_type)s AND s.period_end = %(period_end)s
    ORDER BY s.location_id, s.period_start
    OFFSET 0
) AS d
WHERE
    %(after_location)s::uuid IS NULL
    OR (d.location_id, d.period_start) > (%(after_location)s::uuid, %(after_start)s::date)
ORDER BY d.location_id, d.period_start
LIMIT %(page_size)s


-- name: prune_date
-- Purpose: delete one page of the rows of one period end, but not a day that a week or a month
-- still waits for; the mark of a row that was adopted goes with it.
-- Parameters: those of judge_date, which is the part called judged.
-- Rows: one: the last row of the page (NULL: there was none), rows of the page, rows deleted, marks
-- deleted, rows that lack their week, their month, either.
-- Locks: the rows of the page; those that others hold are passed over.
WITH page AS MATERIALIZED (
    SELECT j.*
    FROM ({judged}) AS j
),

free AS (
    SELECT s.id
    FROM {analytics}.analytics_snapshots AS s
    INNER JOIN page AS p ON s.id = p.id
    WHERE NOT p.lacks_week AND NOT p.lacks_month
    FOR UPDATE OF s SKIP LOCKED
),

deleted AS (
    DELETE FROM {analytics}.analytics_snapshots AS s
    USING free AS f
    WHERE s.id = f.id
    RETURNING s.id
),

unmarked AS (
    DELETE FROM {analytics}.analytics_snapshot_adopted AS a
    USING deleted AS d
    WHERE a.snapshot_id = d.id
    RETURNING a.snapshot_id
),

ends AS (
    SELECT
        location_id,
        period_start
    FROM page
    ORDER BY location_id DESC, period_start DESC
    LIMIT 1
)

SELECT
    (SELECT location_id FROM ends) AS last_location,
    (SELECT period_start FROM ends) AS last_start,
    (SELECT count(*) FROM page) AS page_rows,
    (SELECT count(*) FROM deleted) AS gone,
    (SELECT count(*) FROM unmarked) AS marks,
    (SELECT count(*) FILTER (WHERE lacks_week) FROM page) AS lack_week,
    (SELECT count(*) FILTER (WHERE lacks_month) FROM page) AS lack_month,
    (SELECT count(*) FILTER (WHERE lacks_week OR lacks_month) FROM page) AS held;


-- name: count_date
-- Purpose: what a prune of one period end would delete, and what it would leave.
-- Parameters: those of judge_date, which is the part called judged; page_size is NULL.
-- Rows: one: as prune_date, and the bookkeeping rows that would go with them.
-- Locks: none but ACCESS SHARE.
WITH page AS MATERIALIZED (
    SELECT j.*
    FROM ({judged}) AS j
),

going AS MATERIALIZED (
    SELECT
        id,
        location_id,
        period_start
    FROM page
    WHERE NOT lacks_week AND NOT lacks_month
)

SELECT
    (SELECT count(*) FROM going) AS gone,
    (
        SELECT count(*) FROM {analytics}.analytics_snapshot_adopted AS a
        INNER JOIN going AS g ON a.snapshot_id = g.id
    ) AS marks,
    (SELECT count(*) FILTER (WHERE lacks_week) FROM page) AS lack_week,
    (SELECT count(*) FILTER (WHERE lacks_month) FROM page) AS lack_month,
    (SELECT count(*) FILTER (WHERE lacks_week OR lacks_month) FROM page) AS held,
    (
        SELECT count(*) FROM {analytics}.analytics_snapshot_days AS d
        INNER JOIN going AS g ON d.location_id = g.location_id AND d.day = g.period_start
        WHERE %(period_type)s = 'daily'
    ) AS described_days,
    (
        SELECT count(*) FROM {analytics}.analytics_snapshot_revisions AS r
        INNER JOIN going AS g
            ON r.location_id = g.location_id AND r.period_start = g.period_start
        WHERE r.period_type = %(period_type)s
    ) AS revisions;


-- name: read_oldest_day
-- Purpose: the oldest day that has a daily snapshot. Parameters: from_day (or NULL: any day).
-- Rows: one; NULL where there is none. Locks: none but ACCESS SHARE.
SELECT min(period_end) AS oldest_day
FROM {analytics}.analytics_snapshots
WHERE
    period_type = 'daily'
    AND (%(from_day)s::date IS NULL OR period_end >= %(from_day)s::date);
