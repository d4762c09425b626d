"""One batch of locations: a transaction that locks, plans, computes, stores and composes.

A run that writes the days of a location holds its row in `analytics_snapshot_locations`. So two
runs that meet take turns, and the later one sees what the earlier one wrote.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from analytics_scheduler.database import limit_lock_waits
from analytics_scheduler.snapshots.compose import WrittenDays, compose_periods
from analytics_scheduler.snapshots.days import (
    UnusableDay,
    compute_days,
    count_written_days,
    describe_unusable,
    store_days,
)
from analytics_scheduler.snapshots.plan import balance_sources, plan_days
from analytics_scheduler.snapshots.ranges import Batch
from analytics_scheduler.snapshots.report import SnapshotReport, UnexplainedDay
from analytics_scheduler.vocabulary import PeriodType

if TYPE_CHECKING:
    from analytics_scheduler.snapshots.context import RunContext
    from analytics_scheduler.snapshots.ranges import LocationRange
    from analytics_scheduler.snapshots.request import SnapshotRequest


def write_batch(
    context: RunContext, request: SnapshotRequest, locations: LocationRange
) -> SnapshotReport:
    """Write every requested row of a range of locations in one transaction, and report it.

    Locations with unusable data are left out and named in the report. Any error of the database
    rolls the whole batch back and is raised.
    """
    report = SnapshotReport.of(request)
    begun = time.monotonic()
    with context.connection.transaction():
        batch = _lock(context, locations)
        locked = time.monotonic()
        report.lock_seconds = locked - begun
        report.batches = 1
        report.locations = len(batch.ids)
        if not batch.ids:
            return report
        written = _write_days(context, request, batch, report)
        stored = time.monotonic()
        report.days_seconds = stored - locked
        compose_periods(context, request, batch, written, report)
        if report.days_written:
            _report_unexplained(context, batch, written, report)
        report.compose_seconds = time.monotonic() - stored
    return report


def _lock(context: RunContext, locations: LocationRange) -> Batch:
    # At least a millisecond: 0 would mean no limit.
    milliseconds = max(1, int(context.seconds_left * 1000))
    context.queries.run("limit_statements", milliseconds=str(milliseconds))
    context.queries.run("register_locations", **locations.parameters)
    names = dict(context.queries.run("lock_locations", **locations.parameters).fetchall())
    # From here on, only somebody else's lock on the rows themselves can hold the batch up.
    limit_lock_waits(context.queries)
    return Batch.of(names, locations)


def _write_days(
    context: RunContext, request: SnapshotRequest, batch: Batch, report: SnapshotReport
) -> WrittenDays:
    context.queries.run("create_batch_tables")
    plan = plan_days(context, request, batch)
    unusable: list[UnusableDay] = []
    for group in plan.groups:
        for source, locations in balance_sources(context, batch, group):
            report.movements_read += compute_days(context, batch, group, source, locations)
            unusable += store_days(context, batch, group, plan.history, request.run_id)
    report.failures = describe_unusable(context, batch, unusable)
    counts = count_written_days(context, request.first_day)
    if counts is None:
        return WrittenDays(request.first_day, request.last_day, has_longer=False, is_written=False)
    report.days_written = counts.days_written
    report.days_repaired = counts.days_repaired
    report.days_caught_up = counts.days_caught_up if request.catches_up else 0
    first_day = min(counts.first_day, request.first_day)
    if plan.last_stored_day is not None and counts.first_day < plan.last_stored_day:
        context.queries.run("update_following_days", locations=batch.array)
    has_longer = counts.first_day < request.first_day or bool(
        context.queries.value(
            "has_longer_periods", day=counts.first_day, period_types=PeriodType.longer()
        )
    )
    return WrittenDays(first_day, max(counts.last_day, request.last_day), has_longer=has_longer)


def _report_unexplained(
    context: RunContext, batch: Batch, written: WrittenDays, report: SnapshotReport
) -> None:
    rows = context.queries.run(
        "list_unexplained",
        locations=batch.array,
        first_day=written.first_day,
        last_day=written.last_day,
    )
    for location, day, items, value in rows:
        report.unexplained.append(UnexplainedDay(batch.label(location), day, items, value))
