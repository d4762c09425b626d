-- Purpose: make the package's own tables beside the snapshots.
-- Identifiers: analytics is the schema of the package.
-- Locks: none on other tables.

-- Rows that stood in the table before the package came; they are kept as they are.
CREATE TABLE {analytics}.analytics_snapshot_adopted (
    snapshot_id UUID PRIMARY KEY
);
INSERT INTO {analytics}.analytics_snapshot_adopted (snapshot_id)
SELECT id FROM {analytics}.analytics_snapshots;

-- One row a location: whoever writes a location's days holds its row locked.
CREATE TABLE {analytics}.analytics_snapshot_locations (
    location_id UUID PRIMARY KEY
);

-- What each day of each location was computed from, in whole cents and pieces.
CREATE TABLE {analytics}.analytics_snapshot_days (
    location_id UUID NOT NULL,
    day DATE NOT NULL,
    movements BIGINT NOT NULL,
    in_items BIGINT NOT NULL,
    out_items BIGINT NOT NULL,
    waste_items BIGINT NOT NULL,
    adjustment_items BIGINT NOT NULL,
    in_cents BIGINT NOT NULL,
    out_cents BIGINT NOT NULL,
    waste_cents BIGINT NOT NULL,
    adjustment_cents BIGINT NOT NULL,
    revenue_cents BIGINT NOT NULL,
    cogs_cents BIGINT NOT NULL,
    closing_items BIGINT NOT NULL,
    closing_cents BIGINT NOT NULL,
    opening_items BIGINT NOT NULL GENERATED ALWAYS AS (
        closing_items - in_items + out_items + waste_items - adjustment_items
    ) STORED,
    opening_cents BIGINT NOT NULL GENERATED ALWAYS AS (
        closing_cents - in_cents + out_cents + waste_cents - adjustment_cents
    ) STORED,
    unexplained_items BIGINT,
    unexplained_cents BIGINT,
    fingerprint BIGINT NOT NULL,
    timezone TEXT NOT NULL,
    priced_at TIMESTAMPTZ NOT NULL,
    processed_at TIMESTAMPTZ NOT NULL,
    run_id TEXT NOT NULL,
    PRIMARY KEY (location_id, day)
);
COMMENT ON COLUMN {analytics}.analytics_snapshot_days.unexplained_cents IS
'Closing of the day before, plus net movements, minus closing, at the cost of the day before. Not '
'zero: stock was edited without a movement. NULL: there is no comparable day before.';
COMMENT ON COLUMN {analytics}.analytics_snapshot_days.priced_at IS
'The moment whose costs and prices the day is valued at.';
COMMENT ON COLUMN {analytics}.analytics_snapshot_days.fingerprint IS
'A sum over the movements of the day that changes when one is added, changed or deleted.';

-- Every cost and price that a run has seen, when it first saw it; NULL where it was missing or had
-- more than two decimals.
CREATE TABLE {analytics}.analytics_snapshot_prices (
    product_id UUID NOT NULL,
    seen_at TIMESTAMPTZ NOT NULL,
    cost_cents BIGINT,
    price_cents BIGINT,
    PRIMARY KEY (product_id, seen_at)
);

-- What stood in a snapshot before it changed, and why it changed.
CREATE TABLE {analytics}.analytics_snapshot_revisions (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    location_id UUID NOT NULL,
    period_type VARCHAR(20) NOT NULL,
    period_start DATE NOT NULL,
    period_end DATE NOT NULL,
    old_figures JSONB NOT NULL,
    new_figures JSONB NOT NULL,
    reason TEXT NOT NULL CHECK (reason IN ('late data', 're-run', 'settings')),
    run_id TEXT NOT NULL,
    revised_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX analytics_snapshot_revisions_of_row
ON {analytics}.analytics_snapshot_revisions (location_id, period_type, period_start);

-- One record a run of any task.
CREATE TABLE {analytics}.analytics_snapshot_runs (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task TEXT NOT NULL,
    run_id TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('success', 'partial', 'failed', 'deferred')),
    started_at TIMESTAMPTZ NOT NULL,
    finished_at TIMESTAMPTZ NOT NULL,
    report JSONB NOT NULL
);
CREATE INDEX analytics_snapshot_runs_of_task
ON {analytics}.analytics_snapshot_runs (task, finished_at DESC);
