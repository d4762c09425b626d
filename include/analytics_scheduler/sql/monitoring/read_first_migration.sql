-- Purpose: when the package came to this database: no run is owed from before.
-- Rows: one: the moment. Locks: none.
SELECT min(applied_at) AS since
FROM {analytics}.analytics_snapshot_migrations
