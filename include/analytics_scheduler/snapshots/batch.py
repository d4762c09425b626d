"""One batch of locations: a transaction that plans, computes, stores and composes.

Whoever writes a location's days holds its row in `analytics_snapshot_locations`, so two runs that
meet take turns, and the later one sees what the earlier one wrote.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from analytics_scheduler.prices import prices_at
from analytics_scheduler.snapshots import days, passes
from analytics_scheduler.snapshots.compose import Touched, compose_snapshots
from analytics_scheduler.snapshots.days import BatchScope
from analytics_scheduler.snapshots.passes import UnusableDay
from analytics_scheduler.snapshots.report import (
    Failure,
    SnapshotReport,
    UnexplainedDay,
    named,
)
from analytics_scheduler.snapshots.request import SnapshotRequest
from analytics_scheduler.snapshots.workbench import Workbench


@dataclass(frozen=True, slots=True)
class Batch:
    """A range of location ids: after the one, up to and with the other; None is open."""

    after: UUID | None
    until: UUID | None


def write_batch(bench: Workbench, request: SnapshotRequest, batch: Batch) -> SnapshotReport:
    """Write every wanted row of a batch in one transaction, and report it.

    Locations with unusable data are left out and named in the report. Any error of the database
    rolls the whole batch back and is raised.
    """
    report = empty_report(request)
    begun = time.monotonic()
    with bench.connection.transaction():
        names = _lock(bench, batch)
        locked = time.monotonic()
        report.lock_seconds = locked - begun
        scope = BatchScope.of(list(names), batch.after, batch.until)
        report.locations = len(names)
        report.batches = 1
        if not names:
            return report
        unusable, touched = _write_days(bench, request, scope, report)
        report.failures = _describe(bench, unusable, names)
        stored = time.monotonic()
        report.days_seconds = stored - locked
        compose_snapshots(bench, request, scope, touched, report=report, names=names)
        if report.days_written:
            _list_unexplained(bench, scope, touched, report=report, names=names)
        report.compose_seconds = time.monotonic() - stored
    return report


def empty_report(request: SnapshotRequest) -> SnapshotReport:
    """Return a report of nothing yet."""
    return SnapshotReport(
        period=request.period.value,
        first_day=str(request.first_day),
        last_day=str(request.last_day),
    )


def _lock(bench: Workbench, batch: Batch) -> dict[UUID, str]:
    scope = {"after": batch.after, "until": batch.until}
    bench.execute("register_locations", scope)
    names = dict(bench.execute("lock_locations", scope).fetchall())
    # From here on a wait is somebody else's lock on the rows themselves: bounded.
    milliseconds = bench.setup.database.lock_timeout_seconds * 1000
    bench.connection.execute("SELECT set_config('lock_timeout', %s, true)", (str(milliseconds),))
    return names


def _write_days(
    bench: Workbench, request: SnapshotRequest, scope: BatchScope, report: SnapshotReport
) -> tuple[list[UnusableDay], Touched]:
    bench.execute("create_batch_tables")
    extent = days.read_extent(bench, scope, request)
    history = days.plan_days(bench, scope, request, extent)
    unusable: list[UnusableDay] = []
    for planned in passes.plan_passes(bench, scope, history):
        for anchor, locations in passes.anchored(bench, scope, planned):
            report.movements_read += passes.compute_pass(bench, scope, planned, anchor, locations)
            unusable += passes.store_pass(bench, scope, planned, history, request.run_id)
    written = bench.execute("count_written_days", {"first_day": request.first_day}).fetchone()
    if written is None or not written[0]:
        return unusable, Touched(
            request.first_day, request.last_day, has_longer=False, is_written=False
        )
    report.days_written, caught_up, report.days_repaired, first, last = written
    report.days_caught_up = caught_up if request.heals else 0
    if extent.last_day is not None and first < extent.last_day:
        bench.execute("update_following_days", {"locations": scope.array})
    row = bench.execute("has_longer_periods", {"day": first}).fetchone()
    has_longer = first < request.first_day or bool(row and row[0])
    return unusable, Touched(
        min(first, request.first_day), max(last, request.last_day), has_longer=has_longer
    )


def _describe(
    bench: Workbench, unusable: list[UnusableDay], names: dict[UUID, str]
) -> list[Failure]:
    by_location: dict[UUID, list[UnusableDay]] = {}
    for entry in unusable:
        by_location.setdefault(entry.location, []).append(entry)
    return [
        Failure(named(names, location), _reason(bench, entries), _span(entries))
        for location, entries in sorted(by_location.items())
    ]


def _reason(bench: Workbench, entries: list[UnusableDay]) -> str:
    if not any(entry.has_problems for entry in entries):
        return "a figure does not fit its column"
    rows = bench.execute(
        "describe_problems",
        {
            "location": entries[0].location,
            "first_start": bench.instant(min(entry.day for entry in entries)),
            "priced_at": entries[0].priced_at,
        },
        prices=prices_at(bench.setup.database),
    ).fetchall()
    return "; ".join(f"{count} {problem}" for problem, count in rows)


def _span(entries: list[UnusableDay]) -> str:
    first: date = min(entry.day for entry in entries)
    last: date = max(entry.day for entry in entries)
    return f"{first}" if first == last else f"{first}..{last}"


def _list_unexplained(
    bench: Workbench,
    scope: BatchScope,
    touched: Touched,
    *,
    report: SnapshotReport,
    names: dict[UUID, str],
) -> None:
    rows = bench.execute(
        "list_unexplained",
        {
            "locations": scope.array,
            "first_day": touched.first_day,
            "last_day": touched.last_day,
        },
    )
    for location, day, items, value in rows:
        report.unexplained.append(UnexplainedDay(named(names, location), day, items, value))
