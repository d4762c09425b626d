"""Snapshots composed from stored days: which periods, with what figures, and what changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from psycopg import sql

from analytics_scheduler.snapshots.context import RunContext
from analytics_scheduler.snapshots.plan import BatchScope
from analytics_scheduler.snapshots.report import Failure, SnapshotReport, named
from analytics_scheduler.snapshots.request import SnapshotRequest
from analytics_scheduler.vocabulary import PeriodType


@dataclass(frozen=True, slots=True)
class WrittenDays:
    """The stretch of days that a batch wrote or was asked for.

    `has_longer` says that weeks or months besides the wanted periods may hold some of them.
    """

    first_day: date
    last_day: date
    has_longer: bool
    is_written: bool = True

    def bounds(self, period_type: PeriodType) -> dict[str, Any]:
        """Return the bounds of all periods that may be composed."""
        if not self.has_longer:
            return {
                "first_day": self.first_day,
                "last_day": self.last_day,
                "period_types": [period_type.value, PeriodType.DAILY.value]
                if self.is_written
                else [period_type.value],
            }
        return {
            "first_day": self.first_day - timedelta(days=31),
            "last_day": self.last_day + timedelta(days=31),
            "period_types": [each.value for each in PeriodType],
        }


def compose_snapshots(
    context: RunContext,
    request: SnapshotRequest,
    scope: BatchScope,
    written: WrittenDays,
    *,
    report: SnapshotReport,
    names: dict[UUID, str],
) -> None:
    """Compose the wanted periods and those of written days, and write what is new or differs.

    What is there and right is not touched; what changes leaves its old figures as a revision.
    """
    context.execute(
        "compose_snapshots",
        {
            "locations": scope.array,
            "period_type": request.period_type.value,
            "period_starts": request.period_starts,
            "period_ends": request.period_ends,
            "week_start": context.setup.calendar.week_start,
            "waiting_before": request.last_day if request.catches_up else None,
            "has_longer": written.has_longer,
            "force": request.force,
            **written.bounds(request.period_type),
        },
        planned_periods=context.part("_planned_periods"),
        days=sql.Identifier(context.setup.database.analytics_schema, "analytics_snapshot_days"),
    )
    counts = context.execute("count_composed").fetchall()
    _count(counts, report)
    statuses = {status for _, _, status, _, _ in counts}
    if "changed" in statuses:
        context.execute("insert_revisions", {"run_id": request.run_id})
        context.execute("update_snapshots")
    if "new" in statuses:
        context.execute("insert_snapshots")
    for row in context.execute("list_composed_problems").fetchall():
        _note_problem(report, row, names)


def _count(counts: list[tuple[str, bool, str, bool, int]], report: SnapshotReport) -> None:
    fields = {"new": "written", "changed": "changed", "same": "unchanged", "adopted": "adopted"}
    for period_type, is_requested, status, has_row, count in counts:
        if not is_requested:
            if period_type != PeriodType.DAILY.value and status in {"new", "changed"}:
                report.composed += count
        elif status == "incomplete":
            report.pruned += count if has_row else 0
        elif status in fields:
            name = fields[status]
            setattr(report, name, getattr(report, name) + count)


def _note_problem(report: SnapshotReport, row: tuple[Any, ...], names: dict[UUID, str]) -> None:
    location, period_type, start, end, status, ratio_overflows, percentage_overflows = row
    name = named(names, location)
    period = f"{period_type} {start}" if start == end else f"{period_type} {start}..{end}"
    if status == "overflow":
        report.failures.append(
            Failure(name, "a money or item figure does not fit its column", period)
        )
    elif status == "incomplete":
        # Where a day of it is unusable, that has been said.
        if period_type == report.period_type and name not in {
            entry.location for entry in report.failures
        }:
            report.failures.append(Failure(name, "days of this slot could not be computed", period))
    else:
        for is_over, figure in (
            (ratio_overflows, "turnover_ratio"),
            (percentage_overflows, "wastage_percentage"),
        ):
            if is_over:
                report.warnings.append(
                    f"{name}: {figure} of {period} does not fit its column and was left empty"
                )
