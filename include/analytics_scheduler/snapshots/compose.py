"""Snapshots composed from stored days: which periods, with what figures, and what changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from analytics_scheduler.snapshots import metrics
from analytics_scheduler.snapshots.report import Failure
from analytics_scheduler.vocabulary import PeriodType, RowStatus

if TYPE_CHECKING:
    from datetime import date

    from analytics_scheduler.snapshots.context import RunContext
    from analytics_scheduler.snapshots.ranges import Batch
    from analytics_scheduler.snapshots.report import SnapshotReport
    from analytics_scheduler.snapshots.request import SnapshotRequest

# No period is longer, so one that holds a day begins and ends at most so far away from it.
_LONGEST_PERIOD = timedelta(days=31)
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

    def bounds(self, period_type: PeriodType) -> dict[str, Any]:
        """Return the parameters that bound all periods that may be composed."""
        if self.has_longer:
            return {
                "first_day": self.first_day - _LONGEST_PERIOD,
                "last_day": self.last_day + _LONGEST_PERIOD,
                "period_types": PeriodType.words(),
            }
        own = [period_type, PeriodType.DAILY] if self.is_written else [period_type]
        return {
            "first_day": self.first_day,
            "last_day": self.last_day,
            "period_types": [each.value for each in own],
        }


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
    queries.run(
        "plan_periods",
        **request.parameters,
        locations=batch.array,
        period_ends=[period.end for period in request.periods],
        week_start=context.settings.calendar.week_start,
        owed_before=request.last_day if request.catches_up else None,
        has_longer=written.has_longer,
    )
    compose_planned(
        context,
        locations=batch.array,
        force=request.force,
        **written.bounds(request.period_type),
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
            "overflow": metrics.overflow("f"),
        },
        largest_ratio=metrics.largest("ratio"),
        largest_percentage=metrics.largest("percent"),
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
    location, period_type, start, end, status, ratio_overflows, percentage_overflows = row
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
        for overflows, figure in (
            (ratio_overflows, "turnover_ratio"),
            (percentage_overflows, "wastage_percentage"),
        ):
            if overflows:
                report.warnings.append(
                    f"{name}: {figure} of {period} does not fit its column and was left empty"
                )
