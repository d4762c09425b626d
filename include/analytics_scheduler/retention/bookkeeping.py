"""Delete the bookkeeping that no stored snapshot needs: days, revisions, runs, alerts, prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from analytics_scheduler.retention.context import PruneContext, short_transaction
from analytics_scheduler.retention.cutoffs import first_kept_day
from analytics_scheduler.retention.report import Counts
from analytics_scheduler.setting_parsers import Age
from analytics_scheduler.vocabulary import Bookkeeping, PeriodType

RUNS_KEPT = Age(1, "year")
_LOCATIONS_A_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class _LocationPage:
    """The row of the statements `prune_days` and `prune_revisions`."""

    last_location: UUID | None
    found: int
    deleted: int


@dataclass(frozen=True, slots=True)
class _OldRows:
    """Rows that nothing needs once they are old.

    `find` and `delete` name statements; `keys` are the parameters of the second, one for each
    column that the first gives.
    """

    table: Bookkeeping
    find: str
    delete: str
    keys: tuple[str, ...] = ("ids",)


_OLD_RUNS = _OldRows(Bookkeeping.RUNS, "find_old_runs", "delete_runs")
_OLD_ALERTS = _OldRows(Bookkeeping.ALERTS, "find_old_alerts", "delete_alerts")
_OLD_PRICES = _OldRows(
    Bookkeeping.PRICES, "find_old_prices", "delete_prices", keys=("products", "moments")
)


def prune_bookkeeping(context: PruneContext, counts: Counts) -> None:
    """Delete, or count, the rows of the package's own tables that nothing needs any more."""
    if not context.dry_run:  # a dry run has counted them together with their snapshots
        _prune_days_and_revisions(context, counts)
    runs_kept_from = first_kept_day(RUNS_KEPT, context.cutoffs.today)
    if runs_kept_from is not None:
        moment = context.calendar.day_start(runs_kept_from)
        _prune_old(context, _OLD_RUNS, moment, counts)
        _prune_old(context, _OLD_ALERTS, moment, counts)
    oldest_day = _oldest_kept_day(context, counts)
    if oldest_day is not None:
        moment = context.calendar.day_start(oldest_day)
        _prune_old(context, _OLD_PRICES, moment, counts)


def _prune_days_and_revisions(context: PruneContext, counts: Counts) -> None:
    first_kept = context.cutoffs.first_kept
    if first_kept[PeriodType.DAILY] is not None:
        _prune_by_location(
            context, Bookkeeping.DAYS, "prune_days", counts, cutoff=first_kept[PeriodType.DAILY]
        )
    for period_type, cutoff in first_kept.items():
        if cutoff is not None:
            _prune_by_location(
                context,
                Bookkeeping.REVISIONS,
                "prune_revisions",
                counts,
                period_type=period_type,
                cutoff=cutoff,
            )


def _prune_by_location(
    context: PruneContext, table: Bookkeeping, statement: str, counts: Counts, **parameters: Any
) -> None:
    last_location = None
    while not context.is_time_up():
        with short_transaction(context.queries):
            page = context.queries.row(
                statement,
                _LocationPage,
                after_location=last_location,
                location_count=_LOCATIONS_A_PAGE,
                page_size=context.page_size,
                **parameters,
            )
        counts.deleted[table] += page.deleted
        context.report_progress(counts.deleted.total())
        if page.last_location is None:
            return
        # A full page leaves more rows of the same locations, unless all of its rows are locked.
        if page.found < context.page_size or page.deleted == 0:
            last_location = page.last_location
    counts.is_complete = False


def _prune_old(context: PruneContext, rows: _OldRows, moment: datetime, counts: Counts) -> None:
    page_size = None if context.dry_run else context.page_size
    while not context.is_time_up():
        with short_transaction(context.queries):
            found = context.queries.run(rows.find, moment=moment, page_size=page_size).fetchall()
            if found and not context.dry_run:
                columns = (list(column) for column in zip(*found, strict=True))
                keys: dict[str, Any] = dict(zip(rows.keys, columns, strict=True))
                context.queries.run(rows.delete, **keys)
        counts.deleted[rows.table] += len(found)
        if page_size is None or len(found) < page_size:
            return
    counts.is_complete = False


def _oldest_kept_day(context: PruneContext, counts: Counts) -> date | None:
    """Return the oldest day that has, or after a dry run would have, a daily snapshot."""
    cutoff = context.cutoffs.first_kept[PeriodType.DAILY]
    with short_transaction(context.queries):
        # A dry run has deleted nothing, so what it would have deleted must not count.
        stored = context.queries.value(
            "read_oldest_day", from_day=cutoff if context.dry_run else None
        )
    return min((day for day in (stored, cutoff, *counts.held) if day is not None), default=None)
