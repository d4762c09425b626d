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
    ) AS revisions
