"""Snapshots composed from stored days: which slots, with what figures, and what changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from psycopg import sql

from analytics_scheduler.periods import Period
from analytics_scheduler.snapshots.days import BatchScope
from analytics_scheduler.snapshots.report import Failure, SnapshotReport, named
from analytics_scheduler.snapshots.request import SnapshotRequest
from analytics_scheduler.snapshots.workbench import Workbench


@dataclass(frozen=True, slots=True)
class Touched:
    """The stretch of days that a batch wrote or was asked for.

    `has_longer` says that weeks or months besides the wanted slots may hold some of them.
    """

    first_day: date
    last_day: date
    has_longer: bool
    is_written: bool = True

    def bounds(self, period: Period) -> dict[str, Any]:
        """Return the bounds of all slots that may be composed."""
        if not self.has_longer:
            return {
                "first_day": self.first_day,
                "last_day": self.last_day,
                "period_types": [period.value, Period.DAILY.value]
                if self.is_written
                else [period.value],
            }
        return {
            "first_day": self.first_day - timedelta(days=31),
            "last_day": self.last_day + timedelta(days=31),
            "period_types": [each.value for each in Period],
        }


def compose_snapshots(
    bench: Workbench,
    request: SnapshotRequest,
    scope: BatchScope,
    touched: Touched,
    *,
    report: SnapshotReport,
    names: dict[UUID, str],
) -> None:
    """Compose the wanted slots and those that hold written days, and write what is new or differs.

    What is there and right is not touched; what changes leaves its old figures as a revision.
    """
    bench.execute(
        "compose_snapshots",
        {
            "locations": scope.array,
            "period_type": request.period.value,
            "slot_starts": request.slot_starts,
            "slot_ends": request.slot_ends,
            "week_start": bench.setup.calendar.week_start,
            "waiting_before": request.last_day if request.heals else None,
            "has_longer": touched.has_longer,
            "force": request.force,
            **touched.bounds(request.period),
        },
        planned_slots=bench.part("plan_slots"),
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
