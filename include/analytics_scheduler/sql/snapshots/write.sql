-- name: count_composed
-- Purpose: count the composed snapshots by how they compare with the stored rows.
-- Rows: one per period type, whether it was requested, status, and whether there is a stored row.
SELECT
    period_type,
    is_requested,
    status,
    snapshot_id IS NOT NULL AS has_row,
    count(*) AS snapshots
FROM composed_snapshots
GROUP BY period_type, is_requested, status, has_row;


-- name: insert_revisions
-- Purpose: keep the old and the new figures of every snapshot that is about to change, and why.
-- Parameters: run_id; figures (their names).
-- Locks: the rows written.
INSERT INTO {analytics}.analytics_snapshot_revisions (
    location_id, period_type, period_start, period_end, old_figures, new_figures, reason, run_id
)
SELECT
    c.location_id,
    c.period_type,
    c.period_start,
    c.period_end,
    (
        SELECT jsonb_object_agg(f.key, f.value)
        FROM jsonb_each(to_jsonb(s.*)) AS f
        WHERE f.key = any(%(figures)s)
    ),
    (
        SELECT jsonb_object_agg(f.key, f.value)
        FROM jsonb_each(to_jsonb(c.*)) AS f
        WHERE f.key = any(%(figures)s)
    ),
    c.reason,
    %(run_id)s
FROM composed_snapshots AS c
INNER JOIN {analytics}.analytics_snapshots AS s
    ON s.id = c.snapshot_id AND s.location_id = c.location_id
WHERE c.status = 'changed'
ORDER BY c.location_id, c.period_type, c.period_start;


-- name: update_snapshots
-- Purpose: bring the stored snapshots that differ to their composed figures.
-- Parts: figures; composed_figures (their columns, alone and of c).
-- Locks: the rows that change.
UPDATE {analytics}.analytics_snapshots AS s
SET (period_end, {figures}) = (c.period_end, {composed_figures})
FROM composed_snapshots AS c
WHERE s.id = c.snapshot_id AND s.location_id = c.location_id AND c.status = 'changed';


-- name: insert_snapshots
-- Purpose: write the composed snapshots that are new.
-- Parts: figures (their columns).
-- Locks: the rows written.
INSERT INTO {analytics}.analytics_snapshots (
    location_id, period_type, period_start, period_end, {figures}
)
SELECT location_id, period_type, period_start, period_end, {figures}
FROM composed_snapshots
WHERE status = 'new'
ORDER BY location_id, period_type, period_start;


-- name: list_composed_problems
-- Purpose: list the composed snapshots that could not be written whole.
-- Rows: one per snapshot: its location, period type, first and last day, status, and the names of
-- the figures that were left empty.
SELECT
    location_id,
    period_type,
    period_start,
    period_end,
    status,
    emptied
FROM composed_snapshots
WHERE
    status = 'overflow'
    OR status = 'incomplete' AND snapshot_id IS NULL
    OR status IN ('new', 'changed') AND cardinality(emptied) > 0
ORDER BY location_id, period_start;


-- name: find_missing_snapshots
-- Purpose: find the rows that are expected, one per active location and requested period, and
-- are not there.
-- Parameters: period_type; period_starts; first_start (the first of these: no row that begins later
-- ends before it).
-- Rows: one per missing row: the location's id and name, and the first day of the period.
SELECT
    l.id,
    l.name,
    s.period_start
FROM {source}.locations AS l
CROSS JOIN unnest(%(period_starts)s::date[]) AS s (period_start)
WHERE
    l.is_active
    AND NOT EXISTS (
        SELECT FROM {analytics}.analytics_snapshots AS written
        WHERE
            written.location_id = l.id
            AND written.period_type = %(period_type)s
            AND written.period_start = s.period_start
            AND written.period_end >= %(first_start)s
    )
ORDER BY l.id, s.period_start;
