-- Purpose: find the rows whose time is over by their period's end, without reading the others.
-- Identifiers: analytics is the schema of the package.
-- Locks: writes to the snapshots wait while the index is built.
CREATE INDEX IF NOT EXISTS analytics_snapshots_by_end
ON {analytics}.analytics_snapshots (period_type, period_end);
