"""Snapshots composed from stored days: which periods, with what figures, and what changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analytics_scheduler.snapshots import metrics
from analytics_scheduler.snapshots.context import days_between
from analytics_scheduler.snapshots.report import Failure
from analytics_scheduler.vocabulary import PeriodType, RowStatus

if TYPE_CHECKING:
    from datetime import date

    from analytics_scheduler.periods import Calendar, Period
    from analytics_scheduler.snapshots.context import RunContext
    from analytics_scheduler.snapshots.ranges import Batch
    from analytics_scheduler.snapshots.report import SnapshotReport
    from analytics_scheduler.snapshots.request import SnapshotRequest

_COUNT_OF_STATUS = {
    RowStatus.NEW: "written",
    RowStatus.CHANGED: "changed",
    RowStatus.SAME: "unchanged",
    RowStatus.ADOPTED: "adopted",
}


@dataclass(frozen=True, slots=True)
class WrittenDays:
    """The days that a batch wrote or was asked for.

    `has_longer` says that weeks or months besides the requested periods may hold some of them.
    """

    first_day: date
    last_day: date
    has_longer: bool
    is_written: bool = True

    def periods(self, calendar: Calendar) -> list[tuple[date, Period]]:
        """Return the days that may have been written, each with every period that holds it."""
        if not self.is_written:
            return []
        period_types = list(PeriodType) if self.has_longer else [PeriodType.DAILY]
        return [
            (day, calendar.period_containing(period_type, day))
            for day in days_between(self.first_day, self.last_day)
            for period_type in period_types
        ]


def compose_periods(
    context: RunContext,
    request: SnapshotRequest,
    batch: Batch,
    written: WrittenDays,
    report: SnapshotReport,
) -> None:
    """Compose the requested periods and those of written days, and write what is new or differs.

    A row that is right is not touched; one that changes leaves its old figures as a revision.
    """
    queries = context.queries
    holding = written.periods(context.settings.calendar)
    queries.run(
        "plan_periods",
        **request.parameters,
        locations=batch.array,
        period_ends=[period.end for period in request.periods],
        days=[day for day, _ in holding],
        types=[period.period_type.value for _, period in holding],
        starts=[period.start for _, period in holding],
        ends=[period.end for _, period in holding],
        owed_before=request.last_day if request.catches_up else None,
    )
    periods = [*request.periods, *(period for _, period in holding)]
    compose_planned(
        context,
        locations=batch.array,
        force=request.force,
        first_start=min(period.start for period in periods),
        last_start=max(period.start for period in periods),
        period_types=sorted({period.period_type.value for period in periods}),
    )
    counts = queries.run("count_composed").fetchall()
    statuses = {status for _, _, status, _, _ in counts}
    if RowStatus.CHANGED in statuses:
        queries.run("insert_revisions", run_id=request.run_id, figures=list(metrics.NAMES))
        parts = {"figures": metrics.columns(), "composed_figures": metrics.columns("c")}
        queries.run("update_snapshots", parts=parts)
    if RowStatus.NEW in statuses:
        queries.run("insert_snapshots", parts={"figures": metrics.columns()})
    _count(report, counts)
    for row in queries.run("list_composed_problems"):
        _report_problem(report, batch, row)


def compose_planned(context: RunContext, **parameters: Any) -> None:
    """Compose the planned periods, into the temporary table composed_snapshots."""
    context.queries.run(
        "compose_snapshots",
        parts={
            "stored_figures": metrics.columns("s"),
            "composed_figures": metrics.columns("f"),
            "fitting_figures": metrics.fitting("f"),
            "emptied_figures": metrics.emptied("f"),
            "overflow": metrics.overflow("f"),
        },
        **parameters,
    )


def _count(report: SnapshotReport, counts: list[tuple[str, bool, str, bool, int]]) -> None:
    for period_type, is_requested, status, has_row, count in counts:
        if not is_requested:
            is_written = status in {RowStatus.NEW, RowStatus.CHANGED}
            if is_written and period_type != PeriodType.DAILY:
                report.composed += count
        elif status == RowStatus.INCOMPLETE:
            report.pruned += count if has_row else 0
        elif status != RowStatus.OVERFLOW:
            name = _COUNT_OF_STATUS[RowStatus(status)]
            setattr(report, name, getattr(report, name) + count)


def _report_problem(report: SnapshotReport, batch: Batch, row: tuple[Any, ...]) -> None:
    location, period_type, start, end, status, emptied = row
    name = batch.label(location)
    period = f"{period_type} {start}" if start == end else f"{period_type} {start}..{end}"
    if status == RowStatus.OVERFLOW:
        report.failures.append(
            Failure(name, "a money or item figure does not fit its column", period)
        )
    elif status == RowStatus.INCOMPLETE:
        # If one of its days is unusable, that has been reported.
        is_reported = name in {failure.location for failure in report.failures}
        if period_type == report.period_type and not is_reported:
            report.failures.append(
                Failure(name, "some days of this period could not be computed", period)
            )
    else:
        report.warnings += [
            f"{name}: {figure} of {period} does not fit its column and was left empty"
            for figure in emptied
        ]
