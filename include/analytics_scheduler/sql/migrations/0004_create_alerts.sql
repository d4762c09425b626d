-- Purpose: make the outbox of alerts, which also remembers the incidents that are open.
-- Identifiers: analytics is the schema of the package.
-- Locks: none on other tables.
CREATE TABLE {analytics}.analytics_snapshot_alerts (
    id UUID PRIMARY KEY,
    event TEXT NOT NULL CHECK (event IN ('success', 'failure', 'partial', 'overdue', 'recovered')),
    task TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'given up', 'not wanted')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    settled_at TIMESTAMPTZ,
    last_answer TEXT,
    opens_incident BOOLEAN NOT NULL,
    last_day DATE,
    resolved_at TIMESTAMPTZ
);
COMMENT ON COLUMN {analytics}.analytics_snapshot_alerts.opens_incident IS
'Whether the alert tells of the first trouble of a task; resolved_at is when a success ended it.';
COMMENT ON COLUMN {analytics}.analytics_snapshot_alerts.last_day IS
'The last day that is missing: a success that stands for an earlier one does not end the incident.';

CREATE UNIQUE INDEX analytics_snapshot_alerts_open_incident
ON {analytics}.analytics_snapshot_alerts (task) WHERE opens_incident AND resolved_at IS NULL;

CREATE INDEX analytics_snapshot_alerts_waiting
ON {analytics}.analytics_snapshot_alerts (next_attempt_at) WHERE state = 'waiting';
