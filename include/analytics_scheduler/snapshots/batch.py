"""One batch of locations: a transaction that plans, computes, stores and composes.

Whoever writes a location's days holds its row in `analytics_snapshot_locations`, so two runs that
meet take turns, and the later one sees what the earlier one wrote.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from analytics_scheduler.snapshots import days as passes
from analytics_scheduler.snapshots import plan as days
from analytics_scheduler.snapshots.compose import WrittenDays, compose_snapshots
from analytics_scheduler.snapshots.context import RunContext
from analytics_scheduler.snapshots.days import UnusableDay
from analytics_scheduler.snapshots.plan import BatchScope
from analytics_scheduler.snapshots.prices import prices_at
from analytics_scheduler.snapshots.report import (
    Failure,
    SnapshotReport,
    UnexplainedDay,
    named,
)
from analytics_scheduler.snapshots.request import SnapshotRequest


@dataclass(frozen=True, slots=True)
class Batch:
    """A range of location ids: after the one, up to and with the other; None is open."""

    after: UUID | None
    until: UUID | None


def write_batch(context: RunContext, request: SnapshotRequest, batch: Batch) -> SnapshotReport:
    """Write every wanted row of a batch in one transaction, and report it.

    Locations with unusable data are left out and named in the report. Any error of the database
    rolls the whole batch back and is raised.
    """
    report = empty_report(request)
    begun = time.monotonic()
    with context.connection.transaction():
        names = _lock(context, batch)
        locked = time.monotonic()
        report.lock_seconds = locked - begun
        scope = BatchScope.of(list(names), batch.after, batch.until)
        report.locations = len(names)
        report.batches = 1
        if not names:
            return report
        unusable, written = _write_days(context, request, scope, report)
        report.failures = _describe(context, unusable, names)
        stored = time.monotonic()
        report.days_seconds = stored - locked
        compose_snapshots(context, request, scope, written, report=report, names=names)
        if report.days_written:
            _list_unexplained(context, scope, written, report=report, names=names)
        report.compose_seconds = time.monotonic() - stored
    return report


def empty_report(request: SnapshotRequest) -> SnapshotReport:
    """Return a report of nothing yet."""
    return SnapshotReport(
        period_type=request.period_type.value,
        first_day=str(request.first_day),
        last_day=str(request.last_day),
    )


def _lock(context: RunContext, batch: Batch) -> dict[UUID, str]:
    scope = {"after": batch.after, "until": batch.until}
    context.execute("register_locations", scope)
    names = dict(context.execute("lock_locations", scope).fetchall())
    # From here on a wait is somebody else's lock on the rows themselves: bounded.
    milliseconds = context.setup.database.lock_timeout_seconds * 1000
    context.connection.execute("SELECT set_config('lock_timeout', %s, true)", (str(milliseconds),))
    return names


def _write_days(
    context: RunContext, request: SnapshotRequest, scope: BatchScope, report: SnapshotReport
) -> tuple[list[UnusableDay], WrittenDays]:
    context.execute("create_batch_tables")
    stored = days.read_stored_days(context, scope, request)
    history = days.plan_days(context, scope, request, stored)
    unusable: list[UnusableDay] = []
    for planned in passes.plan_passes(context, scope, history):
        for anchor, locations in passes.anchored(context, scope, planned):
            report.movements_read += passes.compute_pass(context, scope, planned, anchor, locations)
            unusable += passes.store_pass(context, scope, planned, history, request.run_id)
    written = context.execute("count_written_days", {"first_day": request.first_day}).fetchone()
    if written is None or not written[0]:
        return unusable, WrittenDays(
            request.first_day, request.last_day, has_longer=False, is_written=False
        )
    report.days_written, caught_up, report.days_repaired, first, last = written
    report.days_caught_up = caught_up if request.catches_up else 0
    if stored.last_day is not None and first < stored.last_day:
        context.execute("update_following_days", {"locations": scope.array})
    row = context.execute("has_longer_periods", {"day": first}).fetchone()
    has_longer = first < request.first_day or bool(row and row[0])
    return unusable, WrittenDays(
        min(first, request.first_day), max(last, request.last_day), has_longer=has_longer
    )


def _describe(
    context: RunContext, unusable: list[UnusableDay], names: dict[UUID, str]
) -> list[Failure]:
    by_location: dict[UUID, list[UnusableDay]] = {}
    for entry in unusable:
        by_location.setdefault(entry.location, []).append(entry)
    return [
        Failure(named(names, location), _reason(context, entries), _span(entries))
        for location, entries in sorted(by_location.items())
    ]


def _reason(context: RunContext, entries: list[UnusableDay]) -> str:
    if not any(entry.has_problems for entry in entries):
        return "a figure does not fit its column"
    rows = context.execute(
        "describe_problems",
        {
            "location": entries[0].location,
            "first_start": context.instant(min(entry.day for entry in entries)),
            "priced_at": entries[0].priced_at,
        },
        prices=prices_at(context.setup.database),
    ).fetchall()
    return "; ".join(f"{count} {problem}" for problem, count in rows)


def _span(entries: list[UnusableDay]) -> str:
    first: date = min(entry.day for entry in entries)
    last: date = max(entry.day for entry in entries)
    return f"{first}" if first == last else f"{first}..{last}"


def _list_unexplained(
    context: RunContext,
    scope: BatchScope,
    written: WrittenDays,
    *,
    report: SnapshotReport,
    names: dict[UUID, str],
) -> None:
    rows = context.execute(
        "list_unexplained",
        {
            "locations": scope.array,
            "first_day": written.first_day,
            "last_day": written.last_day,
        },
    )
    for location, day, items, value in rows:
        report.unexplained.append(UnexplainedDay(named(names, location), day, items, value))
