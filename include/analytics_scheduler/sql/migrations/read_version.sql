-- Purpose: the number of the last migration. Rows: one.
SELECT coalesce(max(number), 0) FROM {analytics}.analytics_snapshot_migrations
