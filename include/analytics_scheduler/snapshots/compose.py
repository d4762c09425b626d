"""Snapshots composed from stored days: which periods, with what figures, and what changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from analytics_scheduler.snapshots import metrics
from analytics_scheduler.snapshots.context import days_between
from analytics_scheduler.snapshots.report import Failure
from analytics_scheduler.vocabulary import PeriodType, RowStatus

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

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


class ComposedGroup(NamedTuple):
    """Rows that were composed alike; or one that could not be written whole, with its location."""

    period_type: str
    is_requested: bool
    status: str
    has_row: bool
    rows: int
    location: UUID | None
    first_day: date | None
    last_day: date | None
    emptied: list[str] | None


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
    holding = written.periods(context.settings.calendar)
    rows = context.queries.run(
        "write_snapshots",
        parts={
            **_parts_of_figures(),
            "figures": metrics.columns(),
            "new_figures": metrics.columns("c"),
        },
        **request.parameters,
        locations=batch.array,
        period_ends=[period.end for period in request.periods],
        days=[day for day, _ in holding],
        types=[period.period_type.value for _, period in holding],
        starts=[period.start for _, period in holding],
        ends=[period.end for _, period in holding],
        owed_before=request.last_day if request.catches_up else None,
        force=request.force,
        cogs_includes_waste=context.settings.snapshots.cogs_includes_waste,
        run_id=request.run_id,
        figure_names=list(metrics.NAMES),
    )
    for row in rows:
        group = ComposedGroup(*row)
        _count(report, group)
        if group.location is not None:
            _report_problem(report, batch, group.location, group)


def compose_planned(context: RunContext, *, force: bool) -> None:
    """Compose the planned periods, into the temporary table composed_snapshots."""
    context.queries.run(
        "compose_snapshots",
        parts=_parts_of_figures(),
        force=force,
        cogs_includes_waste=context.settings.snapshots.cogs_includes_waste,
    )


def _parts_of_figures() -> dict[str, str]:
    return {
        "stored_figures": metrics.columns("s"),
        "composed_figures": metrics.columns("f"),
        "fitting_figures": metrics.fitting("f"),
        "emptied_figures": metrics.emptied("f"),
        "overflow": metrics.overflow("f"),
    }


def _count(report: SnapshotReport, group: ComposedGroup) -> None:
    if not group.is_requested:
        is_written = group.status in {RowStatus.NEW, RowStatus.CHANGED}
        if is_written and group.period_type != PeriodType.DAILY:
            report.composed += group.rows
    elif group.status == RowStatus.INCOMPLETE:
        report.pruned += group.rows if group.has_row else 0
    elif group.status != RowStatus.OVERFLOW:
        name = _COUNT_OF_STATUS[RowStatus(group.status)]
        setattr(report, name, getattr(report, name) + group.rows)


def _report_problem(
    report: SnapshotReport, batch: Batch, location: UUID, row: ComposedGroup
) -> None:
    name = batch.label(location)
    days = sorted({f"{row.first_day}", f"{row.last_day}"})
    period = f"{row.period_type} {'..'.join(days)}"
    if row.status == RowStatus.OVERFLOW:
        report.failures.append(
            Failure(name, "a money or item figure does not fit its column", period)
        )
    elif row.status == RowStatus.INCOMPLETE:
        # If one of its days is unusable, that has been reported.
        is_reported = name in {failure.location for failure in report.failures}
        if row.period_type == report.period_type and not is_reported:
            report.failures.append(
                Failure(name, "some days of this period could not be computed", period)
            )
    else:
        report.warnings += [
            f"{name}: {figure} of {period} does not fit its column and was left empty"
            for figure in row.emptied or ()
        ]
