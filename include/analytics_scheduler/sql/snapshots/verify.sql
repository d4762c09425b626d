-- name: sample_snapshots
-- Purpose: draw stored snapshots at random.
-- Parameters: sample (how many).
-- Rows: one per snapshot: its location and id.
SELECT
    location_id,
    id
FROM {analytics}.analytics_snapshots
ORDER BY random()
LIMIT %(sample)s;


-- name: find_verified_batch
-- Purpose: find the next batch of locations that have snapshots, in the order of their ids.
-- Parameters: after (the last id of the batch before, or NULL); size.
-- Rows: one per location: its id.
SELECT DISTINCT location_id
FROM {analytics}.analytics_snapshots
WHERE %(after)s::uuid IS NULL OR location_id > %(after)s::uuid
ORDER BY location_id
LIMIT %(size)s;


-- name: plan_verified_periods
-- Purpose: list the stored snapshots of a batch that are compared; rows older than the package are
-- not.
-- Parameters: locations; snapshot_ids (of these rows only, or NULL for all).
CREATE TEMPORARY TABLE planned_periods ON COMMIT DROP AS
SELECT
    location_id,
    period_type,
    period_start,
    period_end,
    're-run' AS reason,
    TRUE AS is_requested
FROM {analytics}.analytics_snapshots AS s
WHERE
    location_id = any(%(locations)s::uuid[])
    AND (%(snapshot_ids)s::uuid[] IS NULL OR id = any(%(snapshot_ids)s::uuid[]))
    AND NOT EXISTS (
        SELECT FROM {analytics}.analytics_snapshot_adopted AS a WHERE a.snapshot_id = s.id
    );


-- name: list_verified_rows
-- Purpose: list the stored snapshots of locations that cannot be computed again.
-- Parameters: locations; snapshot_ids (of these rows only, or NULL for all).
-- Rows: one per snapshot: its location and the location's name, period type, first and last day.
SELECT
    s.location_id,
    l.name,
    s.period_type,
    s.period_start,
    s.period_end
FROM {analytics}.analytics_snapshots AS s
LEFT JOIN {source}.locations AS l ON l.id = s.location_id
WHERE
    s.location_id = any(%(locations)s::uuid[])
    AND (%(snapshot_ids)s::uuid[] IS NULL OR s.id = any(%(snapshot_ids)s::uuid[]))
ORDER BY s.location_id, s.period_type, s.period_start;


-- name: plan_verified_days
-- Purpose: list the stored days of the planned snapshots. Days that were counted in another time
-- zone cannot be computed again in this one.
-- Parameters: timezone.
CREATE TEMPORARY TABLE wanted_days ON COMMIT DROP AS
SELECT DISTINCT
    d.location_id,
    d.day,
    d.priced_at,
    're-run' AS reason
FROM planned_periods AS p
INNER JOIN {analytics}.analytics_snapshot_days AS d
    ON d.location_id = p.location_id AND d.day >= p.period_start AND d.day <= p.period_end
WHERE d.timezone = %(timezone)s;


-- name: create_findings
-- Purpose: make the table that collects the findings of a batch; a finding is a VerifyFinding.
CREATE TEMPORARY TABLE day_findings (
    location_id UUID NOT NULL,
    day DATE NOT NULL,
    finding TEXT NOT NULL
) ON COMMIT DROP;


-- name: compare_days
-- Purpose: compare stored days with what the movements give at the days' own prices. A closing may
-- differ by what later days store as unexplained: stock that was edited by hand.
-- Parameters: priced_from; priced_until (moments between which no price changed; priced_until may
-- be NULL).
-- Parts: _stored_days.
INSERT INTO day_findings (location_id, day, finding)
WITH unexplained AS (
    SELECT
        d.location_id,
        d.day,
        coalesce(sum(d.unexplained_e3) OVER later, 0) AS later_e3
    FROM ({_stored_days}) AS d
    WHERE d.location_id IN (SELECT w.location_id FROM wanted_days AS w)
    WINDOW later AS (
        PARTITION BY d.location_id ORDER BY d.day DESC
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
)

SELECT
    d.location_id,
    d.day,
    CASE
        WHEN
            ((d.movements, d.fingerprint) IS DISTINCT FROM (c.movements, c.fingerprint))
            OR ((
                d.in_e7, d.out_e7, d.waste_e7, d.adjustment_e7, d.revenue_e7
            ) IS DISTINCT FROM (
                c.in_e7, c.out_e7, c.waste_e7, c.adjustment_e7, c.revenue_e7
            )) THEN 'movements_changed'
        WHEN d.closing_e3 - c.closing_e3 = u.later_e3 AND u.later_e3 <> 0
            THEN 'stock_edit_noted'
        ELSE 'stock_changed'
    END AS finding
FROM computed_days AS c
INNER JOIN wanted_days AS w ON w.location_id = c.location_id AND w.day = c.day
INNER JOIN ({_stored_days}) AS d ON d.location_id = c.location_id AND d.day = c.day
INNER JOIN unexplained AS u ON u.location_id = d.location_id AND u.day = d.day
WHERE
    w.priced_at >= %(priced_from)s
    AND (%(priced_until)s::timestamptz IS NULL OR w.priced_at < %(priced_until)s::timestamptz)
    AND (
        d.movements, d.fingerprint, d.in_e7, d.out_e7, d.waste_e7, d.adjustment_e7,
        d.revenue_e7, d.closing_e3, d.closing_e7
    ) IS DISTINCT FROM (
        c.movements, c.fingerprint, c.in_e7, c.out_e7, c.waste_e7, c.adjustment_e7,
        c.revenue_e7, c.closing_e3, c.closing_e7
    );


-- name: trace_closings
-- Purpose: name the cause of closings that differ because a movement of an earlier day changed.
UPDATE day_findings AS later
SET finding = 'movements_changed'
WHERE
    later.finding = 'stock_changed'
    AND EXISTS (
        SELECT FROM day_findings AS earlier
        WHERE
            earlier.location_id = later.location_id
            AND earlier.day < later.day
            AND earlier.finding = 'movements_changed'
    );


-- name: compare_current_prices
-- Purpose: find stored days whose figures would differ at current prices, and for no other cause;
-- computed_days holds the days at current prices.
-- Parameters: priced_from (the moment since which no price has changed).
-- Parts: _stored_days.
INSERT INTO day_findings (location_id, day, finding)
SELECT
    d.location_id,
    d.day,
    'price_changed' AS finding
FROM computed_days AS c
INNER JOIN ({_stored_days}) AS d ON d.location_id = c.location_id AND d.day = c.day
INNER JOIN wanted_days AS w ON w.location_id = c.location_id AND w.day = c.day
WHERE
    w.priced_at < %(priced_from)s
    AND (
        d.in_e7, d.out_e7, d.waste_e7, d.adjustment_e7, d.revenue_e7, d.closing_e7
    ) IS DISTINCT FROM (
        c.in_e7, c.out_e7, c.waste_e7, c.adjustment_e7, c.revenue_e7, c.closing_e7
    )
    AND NOT EXISTS (
        SELECT FROM day_findings AS f
        WHERE f.location_id = d.location_id AND f.day = d.day
    );


-- name: count_planned_periods
-- Purpose: count the snapshots of the batch that are compared.
-- Rows: one: the count.
SELECT count(*) FROM planned_periods;


-- name: list_findings
-- Purpose: list the snapshots of the batch that differ or cannot be computed again, and why.
-- Parameters: timezone.
-- Rows: one per snapshot: its location and the location's name, period type, first and last day,
-- and the findings about it.
WITH found AS (
    SELECT
        p.location_id,
        p.period_type,
        p.period_start,
        p.period_end,
        f.finding
    FROM planned_periods AS p
    INNER JOIN day_findings AS f
        ON f.location_id = p.location_id AND f.day >= p.period_start AND f.day <= p.period_end
    UNION ALL
    SELECT
        location_id,
        period_type,
        period_start,
        period_end,
        CASE
            WHEN status = 'incomplete' THEN 'days_pruned'
            WHEN status = 'changed' AND reason = 'settings' THEN 'other_settings'
            ELSE 'row_differs'
        END AS finding
    FROM composed_snapshots
    WHERE status <> 'same'
    UNION ALL
    SELECT DISTINCT
        p.location_id,
        p.period_type,
        p.period_start,
        p.period_end,
        'other_timezone' AS finding
    FROM planned_periods AS p
    INNER JOIN {analytics}.analytics_snapshot_days AS d
        ON d.location_id = p.location_id AND d.day >= p.period_start AND d.day <= p.period_end
    WHERE d.timezone <> %(timezone)s
)

SELECT
    f.location_id,
    l.name,
    f.period_type,
    f.period_start,
    f.period_end,
    array_agg(DISTINCT f.finding) AS findings
FROM found AS f
LEFT JOIN {source}.locations AS l ON l.id = f.location_id
GROUP BY f.location_id, l.name, f.period_type, f.period_start, f.period_end
ORDER BY f.location_id, f.period_type, f.period_start;
