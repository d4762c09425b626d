-- Purpose: list the stored snapshots of a batch that are to be proved.
-- Parameters: locations; snapshot_ids (of these rows only, or NULL for all).
-- Rows: into the temporary table planned_slots.
CREATE TEMPORARY TABLE planned_slots ON COMMIT DROP AS
SELECT
    location_id,
    period_type,
    period_start,
    period_end,
    're-run' AS reason,
    TRUE AS is_requested
FROM {analytics}.analytics_snapshots AS s
WHERE
    location_id = any(%(locations)s)
    AND (%(snapshot_ids)s::uuid [] IS NULL OR id = any(%(snapshot_ids)s::uuid []))
    AND NOT EXISTS (
        SELECT FROM {analytics}.analytics_snapshot_adopted AS a WHERE a.snapshot_id = s.id
    )
