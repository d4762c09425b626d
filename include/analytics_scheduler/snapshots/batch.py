"""One batch of locations: a transaction that plans, computes, stores and composes.

Whoever writes a location's days holds its row in `analytics_snapshot_locations`, so two runs that
meet take turns, and the later one sees what the earlier one wrote.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from psycopg import sql

from analytics_scheduler.periods import Period
from analytics_scheduler.prices import prices_at
from analytics_scheduler.snapshots import days
from analytics_scheduler.snapshots.days import BatchScope, UnusableDay
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
    with bench.connection.transaction():
        names = _lock(bench, batch)
        scope = BatchScope(list(names), batch.after, batch.until)
        report.locations = len(names)
        report.batches = 1
        if not names:
            return report
        unusable = _write_days(bench, request, scope, report)
        report.failures = _describe(bench, unusable, names)
        _compose(bench, request, scope, report, names)
        _list_unexplained(bench, report, names)
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
) -> list[UnusableDay]:
    bench.execute("create_batch_tables")
    history = days.plan_days(bench, scope, request)
    unusable: list[UnusableDay] = []
    for planned in days.plan_passes(bench, history):
        for anchor, locations in days.anchored(bench, planned):
            report.movements_read += days.compute_pass(bench, scope, planned, anchor, locations)
            unusable += days.store_pass(bench, planned, request.run_id)
    bench.execute("update_following_days")
    row = bench.execute("count_written_days", {"first_day": request.first_day}).fetchone()
    if row:
        report.days_written, report.days_caught_up, report.days_repaired = row
    if not request.heals:
        report.days_caught_up = 0
    return unusable


def _compose(
    bench: Workbench,
    request: SnapshotRequest,
    scope: BatchScope,
    report: SnapshotReport,
    names: dict[UUID, str],
) -> None:
    bench.execute(
        "plan_slots",
        {
            "locations": scope.locations,
            "period_type": request.period.value,
            "slot_starts": request.slot_starts,
            "slot_ends": request.slot_ends,
            "week_start": bench.setup.calendar.week_start,
            "waiting_before": request.last_day if request.heals else None,
        },
    )
    bench.execute(
        "compose_snapshots",
        {"force": request.force},
        days=sql.Identifier(bench.setup.database.analytics_schema, "analytics_snapshot_days"),
    )
    counts = bench.execute("count_composed").fetchall()
    _count(counts, report)
    statuses = {status for _, _, status, _, _ in counts}
    if "changed" in statuses:
        bench.execute("insert_revisions", {"run_id": request.run_id})
        bench.execute("update_snapshots")
    if "new" in statuses:
        bench.execute("insert_snapshots")
    for row in bench.execute("list_composed_problems").fetchall():
        _note_problem(report, row, names)


def _count(counts: list[tuple[str, bool, str, bool, int]], report: SnapshotReport) -> None:
    fields = {"new": "written", "changed": "changed", "same": "unchanged", "adopted": "adopted"}
    for period, is_requested, status, has_row, count in counts:
        if not is_requested:
            if period != Period.DAILY.value and status in {"new", "changed"}:
                report.composed += count
        elif status == "incomplete":
            report.pruned += count if has_row else 0
        elif status in fields:
            name = fields[status]
            setattr(report, name, getattr(report, name) + count)


def _note_problem(report: SnapshotReport, row: tuple[Any, ...], names: dict[UUID, str]) -> None:
    location, period, start, end, status, ratio_overflows, percentage_overflows = row
    name = named(names, location)
    slot = f"{period} {start}" if start == end else f"{period} {start}..{end}"
    if status == "overflow":
        report.failures.append(
            Failure(name, "a money or item figure does not fit its column", slot)
        )
    elif status == "incomplete":
        # Where a day of it is unusable, that has been said.
        if period == report.period and name not in {entry.location for entry in report.failures}:
            report.failures.append(Failure(name, "days of this slot could not be computed", slot))
    else:
        for is_over, figure in (
            (ratio_overflows, "turnover_ratio"),
            (percentage_overflows, "wastage_percentage"),
        ):
            if is_over:
                report.warnings.append(
                    f"{name}: {figure} of {slot} does not fit its column and was left empty"
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


def _list_unexplained(bench: Workbench, report: SnapshotReport, names: dict[UUID, str]) -> None:
    for location, day, items, value in bench.execute("list_unexplained"):
        report.unexplained.append(UnexplainedDay(named(names, location), day, items, value))
