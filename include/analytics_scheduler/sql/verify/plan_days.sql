-- Purpose: list the stored days of the planned snapshots; days of another time zone cannot be
-- computed again under this one. Parameters: timezone.
-- Rows: into the temporary table wanted_days.
CREATE TEMPORARY TABLE wanted_days ON COMMIT DROP AS
SELECT DISTINCT
    d.location_id,
    d.day,
    d.priced_at,
    're-run' AS reason
FROM planned_slots AS p
INNER JOIN {analytics}.analytics_snapshot_days AS d
    ON d.location_id = p.location_id AND d.day >= p.period_start AND d.day <= p.period_end
WHERE d.timezone = %(timezone)s
