"""Snapshots: days computed from the movements, and periods composed from days.

A run goes through nine steps:

1. `request` says which periods it is asked for, and `context` opens what every step works with.
2. `prices` stores the costs and prices that changed since the last run.
3. `ranges` cuts the locations into shards and batches.
4. `batch` locks the locations of a batch, in one transaction a batch.
5. `plan` decides which days are missing, late or forced, and groups them.
6. `days` computes each group from the ledger and stores it.
7. `compose` makes days, weeks and months of the stored days, and writes what is new or differs.
8. `run` goes on with the next batch, isolates a bad location, and counts what is missing; `jobs`
   does so over several connections.
9. `report` says what was done.

`metrics` declares the figures; `verify` computes stored rows again and compares them.
"""

from analytics_scheduler.snapshots.context import RunContext, RunSettings, prepare
from analytics_scheduler.snapshots.jobs import run_in_jobs
from analytics_scheduler.snapshots.ranges import LocationRange, plan_shards
from analytics_scheduler.snapshots.report import Failure, SnapshotReport, UnexplainedDay
from analytics_scheduler.snapshots.request import SnapshotRequest, request_for
from analytics_scheduler.snapshots.run import count_missing, run_snapshots, take_snapshots

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
    "request_for",
    "run_in_jobs",
    "run_snapshots",
    "take_snapshots",
]
