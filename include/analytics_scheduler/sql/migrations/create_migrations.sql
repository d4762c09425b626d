-- Purpose: make the record of applied migrations, where it is missing.
CREATE TABLE IF NOT EXISTS {analytics}.analytics_snapshot_migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);
