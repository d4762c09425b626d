"""Snapshots: days computed from the raw movements, and rows composed from days."""

from analytics_scheduler.snapshots.ranges import Shard, plan_shards
from analytics_scheduler.snapshots.report import (
    Failure,
    SnapshotReport,
    UnexplainedDay,
)
from analytics_scheduler.snapshots.request import SnapshotRequest, request_for
from analytics_scheduler.snapshots.run import (
    confirm_complete,
    prepare,
    run_snapshots,
    take_snapshots,
)

__all__ = [
    "Failure",
    "Shard",
    "SnapshotReport",
    "SnapshotRequest",
    "UnexplainedDay",
    "confirm_complete",
    "plan_shards",
    "prepare",
    "request_for",
    "run_snapshots",
    "take_snapshots",
]
