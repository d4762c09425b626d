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
    (SELECT count(*) FILTER (WHERE lacks_week OR lacks_month) FROM page) AS held
