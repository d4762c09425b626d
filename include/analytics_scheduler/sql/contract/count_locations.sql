-- Purpose: how many locations there are, and how many of them get snapshots. Rows: one.
-- Locks: ACCESS SHARE on locations.
SELECT
    count(*) AS all_locations,
    count(*) FILTER (WHERE is_active) AS active_locations
FROM {source}.locations
