-- Purpose: make the schema and the record of applied migrations, where they are missing.
CREATE SCHEMA IF NOT EXISTS {analytics};
CREATE TABLE IF NOT EXISTS {analytics}.analytics_snapshot_migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);
