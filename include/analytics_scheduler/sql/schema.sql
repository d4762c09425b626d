-- The tables of the package, as all migrations together create them. This file is for reading: only
-- a test runs it, and compares the result with that of the migrations.
--
-- The tables are in the schema that ANALYTICS_SCHEMA names. `locations` is the table of the source
-- contract (sample/create_tables.sql shows all four); if it is a view, the foreign key is left out.
-- Values in `_cents` are whole cents, those in `_items` whole pieces, and those in `_e4`
-- ten-thousandths of the currency.


-- The product of the package: one row for each active location and each day, week and month.
CREATE TABLE analytics_snapshots (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(), -- stays the same when the figures change
    location_id UUID NOT NULL REFERENCES locations (id), -- the location that the figures are about
    period_type VARCHAR(20) NOT NULL, -- daily, weekly or monthly
    period_start DATE NOT NULL, -- first day of the period, in SCHEDULER_TIMEZONE
    period_end DATE NOT NULL, -- last day of the period; the same day for a daily row
    total_inventory_value DECIMAL(12, 2), -- stock when the period ended, at cost
    total_items INTEGER, -- stock when the period ended, in pieces
    turnover_ratio DECIMAL(8, 2), -- cost of goods sold by average of opening and closing value
    wastage_value DECIMAL(12, 2), -- goods thrown away, at cost
    wastage_percentage DECIMAL(5, 2), -- wastage value in per cent of all that left, at cost
    revenue DECIMAL(12, 2), -- goods sold, at price
    cost_of_goods_sold DECIMAL(12, 2), -- goods sold and thrown away, at cost
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, -- when the row was inserted, in UTC
    UNIQUE (location_id, period_type, period_start)
);
-- Retention finds the rows that are old enough to delete by their end.
CREATE INDEX analytics_snapshots_by_end ON analytics_snapshots (period_type, period_end);


-- What the snapshots are made of: one row for each location and day. Weeks and months are sums of
-- days, and a day is computed from the movements only once, unless they change afterwards.
CREATE TABLE analytics_snapshot_days (
    location_id UUID NOT NULL, -- the location
    day DATE NOT NULL, -- the day, in the time zone of the row
    movements BIGINT NOT NULL, -- how many movements the day has
    in_items BIGINT NOT NULL, -- received
    out_items BIGINT NOT NULL, -- sold, less what customers returned
    waste_items BIGINT NOT NULL, -- thrown away
    adjustment_items BIGINT NOT NULL, -- corrected by counting: more if positive, less if negative
    in_cents BIGINT NOT NULL, -- received, at cost
    out_cents BIGINT NOT NULL, -- sold, at cost
    waste_cents BIGINT NOT NULL, -- thrown away, at cost
    adjustment_cents BIGINT NOT NULL, -- corrected by counting, at cost
    revenue_cents BIGINT NOT NULL, -- sold, at price
    cogs_cents BIGINT NOT NULL, -- cost of goods sold; only older versions of the package read it
    closing_items BIGINT NOT NULL, -- stock when the day ended
    closing_cents BIGINT NOT NULL, -- stock when the day ended, at cost
    -- Stock when the day began: the closing without what came in, and with what left.
    opening_items BIGINT NOT NULL GENERATED ALWAYS AS (
        closing_items - in_items + out_items + waste_items - adjustment_items
    ) STORED,
    -- The same at cost.
    opening_cents BIGINT NOT NULL GENERATED ALWAYS AS (
        closing_cents - in_cents + out_cents + waste_cents - adjustment_cents
    ) STORED,
    -- Closing of the day before minus opening of this day: not zero if stock was edited by hand.
    unexplained_items BIGINT,
    unexplained_cents BIGINT, -- the same at the cost of the day before
    fingerprint BIGINT NOT NULL, -- a sum over the movements, to find changed ones
    timezone TEXT NOT NULL, -- SCHEDULER_TIMEZONE when the day was computed
    priced_at TIMESTAMPTZ NOT NULL, -- the moment whose costs and prices the row is valued at
    processed_at TIMESTAMPTZ NOT NULL, -- when the row was written
    run_id TEXT NOT NULL, -- the run that wrote it
    -- The parts of the amounts below a whole piece or cent, which are truncated above: thousandths
    -- of a piece for in, out, waste, adjustment and closing; then hundred-thousandths of a cent for
    -- in, out, waste, adjustment, revenue and closing; then both for unexplained. NULL: none.
    remainders INTEGER[],
    remainders_of TIMESTAMPTZ, -- the processed_at that they belong to
    PRIMARY KEY (location_id, day)
);
COMMENT ON COLUMN analytics_snapshot_days.remainders IS
'The parts of the amounts below a whole piece or cent: thousandths of a piece and '
'hundred-thousandths of a cent. NULL: none.';
COMMENT ON COLUMN analytics_snapshot_days.unexplained_cents IS
'Closing of the day before, plus net movements, minus closing, at the cost of the day before. Not '
'zero: stock was edited without a movement. NULL: there is no comparable day before.';
COMMENT ON COLUMN analytics_snapshot_days.priced_at IS
'The moment whose costs and prices the day is valued at.';
COMMENT ON COLUMN analytics_snapshot_days.fingerprint IS
'A sum over the movements of the day that changes when one is added, changed or deleted.';


COMMENT ON COLUMN analytics_snapshot_days.remainders_of IS
'The processed_at that the remainders belong to. An older version, which writes neither, changes '
'processed_at, and the remainders are then ignored.';


-- Every cost and price that a run has seen, so that a later repair of a day values it as before.
CREATE TABLE analytics_snapshot_prices (
    product_id UUID NOT NULL, -- the product
    seen_at TIMESTAMPTZ NOT NULL, -- when a run first saw this pair of cost and price
    cost_cents BIGINT, -- NULL if it was missing or not a whole number of cents
    price_cents BIGINT, -- NULL if it was missing or not a whole number of cents
    cost_e4 BIGINT, -- in ten-thousandths, if it was not a whole number of cents
    price_e4 BIGINT, -- in ten-thousandths, if it was not a whole number of cents
    PRIMARY KEY (product_id, seen_at)
);
COMMENT ON COLUMN analytics_snapshot_prices.cost_e4 IS
'The cost in ten-thousandths of the currency, if it is not a whole number of cents.';
COMMENT ON COLUMN analytics_snapshot_prices.price_e4 IS
'The price in ten-thousandths of the currency, if it is not a whole number of cents.';


-- The history of the snapshots: the figures before and after each change, and its reason.
CREATE TABLE analytics_snapshot_revisions (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- the order of the changes
    location_id UUID NOT NULL, -- these three columns are the key of the snapshot
    period_type VARCHAR(20) NOT NULL, -- daily, weekly or monthly
    period_start DATE NOT NULL, -- first day of its period
    period_end DATE NOT NULL, -- last day of its period
    old_figures JSONB NOT NULL, -- the figures before the change, by column
    new_figures JSONB NOT NULL, -- the figures after the change, by column
    reason TEXT NOT NULL CHECK (reason IN ('late data', 're-run', 'settings')), -- why it changed
    run_id TEXT NOT NULL, -- the run that changed it
    revised_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp() -- when it changed
);
CREATE INDEX analytics_snapshot_revisions_of_row
ON analytics_snapshot_revisions (location_id, period_type, period_start);


-- The snapshots that were in the table before the package. They stay as they are unless forced.
CREATE TABLE analytics_snapshot_adopted (
    snapshot_id UUID PRIMARY KEY -- the id of the snapshot
);


-- One row for each location, which a writer of its days locks.
CREATE TABLE analytics_snapshot_locations (
    location_id UUID PRIMARY KEY, -- the location
    written_in XID8 -- the transaction that last wrote days of it
);
COMMENT ON COLUMN analytics_snapshot_locations.written_in IS
'The transaction that last wrote days of the location.';


-- One record for each run of a task.
CREATE TABLE analytics_snapshot_runs (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- the order of the records
    task TEXT NOT NULL, -- the task, such as daily-snapshot
    run_id TEXT NOT NULL, -- Airflow's id of the run, or one of the command line
    -- How the run ended.
    outcome TEXT NOT NULL CHECK (outcome IN ('success', 'partial', 'failed', 'deferred')),
    started_at TIMESTAMPTZ NOT NULL, -- when it started
    finished_at TIMESTAMPTZ NOT NULL, -- when it ended
    report JSONB NOT NULL -- its counts, and the reason of a failure
);
CREATE INDEX analytics_snapshot_runs_of_task
ON analytics_snapshot_runs (task, finished_at DESC);


-- The outbox of the webhook. It also remembers which incidents are open: one for each task at most.
CREATE TABLE analytics_snapshot_alerts (
    id UUID PRIMARY KEY, -- the id that the receiver sees
    -- What the alert is about.
    event TEXT NOT NULL CHECK (event IN ('success', 'failure', 'partial', 'overdue', 'recovered')),
    task TEXT NOT NULL, -- the task that it is about
    body TEXT NOT NULL, -- the JSON to send, word for word
    created_at TIMESTAMPTZ NOT NULL, -- when the event happened
    -- What became of it.
    state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'given up', 'not wanted')),
    attempts INTEGER NOT NULL DEFAULT 0, -- how often it was sent
    next_attempt_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(), -- not to be sent before
    settled_at TIMESTAMPTZ, -- when it was delivered or given up
    last_answer TEXT, -- the receiver's last response, or why there was none
    opens_incident BOOLEAN NOT NULL, -- whether it opened an incident of its task
    last_day DATE, -- the last day that is missing; a success for an earlier day does not end it
    resolved_at TIMESTAMPTZ -- when a success ended the incident
);
COMMENT ON COLUMN analytics_snapshot_alerts.opens_incident IS
'Whether the alert tells of the first trouble of a task; resolved_at is when a success ended it.';
COMMENT ON COLUMN analytics_snapshot_alerts.last_day IS
'The last day that is missing: a success that stands for an earlier one does not end the incident.';
-- At most one open incident for each task.
CREATE UNIQUE INDEX analytics_snapshot_alerts_open_incident
ON analytics_snapshot_alerts (task) WHERE opens_incident AND resolved_at IS NULL;
-- The alerts that are to be sent.
CREATE INDEX analytics_snapshot_alerts_waiting
ON analytics_snapshot_alerts (next_attempt_at) WHERE state = 'waiting';


-- The migrations that were applied.
CREATE TABLE analytics_snapshot_migrations (
    number INTEGER PRIMARY KEY, -- the number of the migration; the highest is the version
    name TEXT NOT NULL, -- its file, without .sql
    applied_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp() -- when it was applied
);
