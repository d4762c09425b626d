"""Snapshots: days computed from the movements, and periods composed from days.

A run goes through nine steps:

1. `request` says which periods it is asked for, and `context` opens what every step works with.
2. `prices` stores the costs and prices that changed since the last run.
3. `ranges` cuts the locations into shards, readings and batches.
4. `reading` reads stock and ledger for some locations, in one snapshot of the database:
5. `plan` decides which days are missing, late or forced, and groups them;
6. `days` computes each group.
7. `batch` locks some of these locations, and writes their days;
8. `compose` makes days, weeks and months of the stored days, and writes what is new or differs.
9. `run` goes on with the next batch and the next reading, isolates a bad location, and counts what
   is missing; `report` says what was done.

`jobs` goes through the locations over several connections; `attempts` and `deadline` say what
becomes of errors and of time.

`metrics` declares the figures; `verify` computes stored rows again and compares them.
"""

from analytics_scheduler.snapshots.context import RunContext, RunSettings, prepare
from analytics_scheduler.snapshots.jobs import run_in_jobs
from analytics_scheduler.snapshots.ranges import LocationRange, plan_shards
from analytics_scheduler.snapshots.report import Failure, SnapshotReport, UnexplainedDay
from analytics_scheduler.snapshots.request import SnapshotRequest, request_for
from analytics_scheduler.snapshots.run import (
    count_missing,
    recording,
    run_snapshots,
    take_snapshots,
)

__all__ = [
    "Failure",
    "LocationRange",
    "RunContext",
    "RunSettings",
    "SnapshotReport",
    "SnapshotRequest",
    "UnexplainedDay",
    "count_missing",
    "plan_shards",
    "prepare",
    "recording",
    "request_for",
    "run_in_jobs",
    "run_snapshots",
    "take_snapshots",
]
