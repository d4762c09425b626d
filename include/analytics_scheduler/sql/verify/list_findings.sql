-- Purpose: the snapshots of the batch that cannot be vouched for, and the gravest reason of each.
-- Rows: one a snapshot and finding.
WITH found AS (
    SELECT
        p.location_id,
        p.period_type,
        p.period_start,
        p.period_end,
        f.finding
    FROM planned_slots AS p
    INNER JOIN day_findings AS f
        ON f.location_id = p.location_id AND f.day >= p.period_start AND f.day <= p.period_end
    UNION ALL
    SELECT
        location_id,
        period_type,
        period_start,
        period_end,
        CASE
            WHEN status = 'incomplete' THEN 'its days are pruned'
            ELSE 'the row is not what its days give'
        END AS finding
    FROM composed_snapshots
    WHERE status <> 'same'
    UNION ALL
    SELECT DISTINCT
        p.location_id,
        p.period_type,
        p.period_start,
        p.period_end,
        'counted in another time zone' AS finding
    FROM planned_slots AS p
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
ORDER BY f.location_id, f.period_type, f.period_start
