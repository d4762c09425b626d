"""Delete, or count, the snapshots of a period type: one period end after the other, in pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from analytics_scheduler.periods import Period
from analytics_scheduler.retention.context import PruneContext, short_transaction
from analytics_scheduler.retention.cutoffs import periods_to_compose
from analytics_scheduler.retention.report import Counts
from analytics_scheduler.vocabulary import Bookkeeping, PeriodType


@dataclass(frozen=True, slots=True)
class _Page:
    """The row of the statements `prune_snapshots` and `count_prunable`."""

    last_location: UUID | None
    last_start: date | None
    found: int
    deleted: int
    marks: int
    lacking: list[int]
    held: int
    days: int = 0
    revisions: int = 0


def prune_period_type(context: PruneContext, period_type: PeriodType, counts: Counts) -> None:
    """Delete the snapshots of a period type that are older than they are kept, oldest first."""
    cutoff = context.cutoffs.first_kept[period_type]
    if cutoff is None:
        return
    with short_transaction(context.queries):
        due = context.queries.run("list_due_dates", period_type=period_type, cutoff=cutoff)
        period_ends = [period_end for (period_end,) in due]
    for period_end in period_ends:
        _prune_period_end(context, period_type, period_end, counts)


def _prune_period_end(
    context: PruneContext, period_type: PeriodType, period_end: date, counts: Counts
) -> None:
    waits_for: list[Period] = []
    if period_type is PeriodType.DAILY:
        waits_for = periods_to_compose(context.calendar, period_end, context.cutoffs)
    last_location = last_start = None
    while not context.is_time_up():
        with short_transaction(context.queries):
            page = context.queries.row(
                "count_prunable" if context.dry_run else "prune_snapshots",
                _Page,
                period_type=period_type,
                period_end=period_end,
                after_location=last_location,
                after_start=last_start,
                page_size=context.page_size,
                waits_for=[period.period_type.value for period in waits_for],
                # Longer than any period of the type, those from before the package included.
                earliest_starts=[
                    period_end - timedelta(days=2 * period.period_type.most_days)
                    for period in waits_for
                ],
            )
        counts.deleted[period_type] += page.deleted
        _add_bookkeeping(page, counts)
        counts.add_held(period_end, page.held)
        for period, lacking in zip(waits_for, page.lacking, strict=True):
            counts.add_missing(period, period_end, lacking)
        context.report_progress(counts.deleted.total())
        if page.found < context.page_size:
            return
        last_location, last_start = page.last_location, page.last_start
    counts.is_complete = False


def _add_bookkeeping(page: _Page, counts: Counts) -> None:
    counts.deleted[Bookkeeping.ADOPTED_MARKS] += page.marks
    counts.deleted[Bookkeeping.DAYS] += page.days
    counts.deleted[Bookkeeping.REVISIONS] += page.revisions
