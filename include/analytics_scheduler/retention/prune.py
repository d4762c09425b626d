"""Delete what is over; a prune that is stopped anywhere is taken up by the next one."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from analytics_scheduler.database import translated_errors
from analytics_scheduler.periods import Calendar
from analytics_scheduler.retention.bookkeeping import prune_bookkeeping
from analytics_scheduler.retention.cutoffs import Cutoffs, cutoffs_at
from analytics_scheduler.retention.report import (
    BOOKKEEPING,
    UNFINISHED,
    KindReport,
    PruneReport,
    Tally,
    held_warnings,
)
from analytics_scheduler.retention.snapshots import prune_kind
from analytics_scheduler.retention.transactions import ROWS_A_TRANSACTION, Session
from analytics_scheduler.vocabulary import PeriodType

if TYPE_CHECKING:
    from psycopg import Connection

    from analytics_scheduler.settings import DatabaseSettings, RetentionSettings


def prune(
    connection: Connection[Any],
    database: DatabaseSettings,
    settings: RetentionSettings,
    calendar: Calendar,
    *,
    moment: datetime,
    dry_run: bool = False,
    time_limit_seconds: float | None = None,
    rows_a_transaction: int = ROWS_A_TRANSACTION,
    on_progress: Callable[[int], None] | None = None,
) -> PruneReport:
    """Delete the snapshots whose period ended too long before a moment, and what described them.

    A moment in the future counts as now, by the database's own clock: no date that somebody typed
    makes a row older than it is. A daily row stays as long as the week or month that holds it
    has not been composed and would itself be kept. A transaction that the caller left open is
    committed first, as each page is one of its own.
    """
    started = time.monotonic()
    session = Session(
        connection=connection,
        database=database,
        page_size=rows_a_transaction,
        stop_at=None if time_limit_seconds is None else started + time_limit_seconds,
        on_progress=on_progress,
    )
    with translated_errors(connection):
        connection.commit()
        cutoffs = cutoffs_at(settings, _today(session, calendar, moment))
        tally = Tally()
        for period_type in PeriodType:
            prune_kind(session, calendar, cutoffs, period_type, tally, dry_run=dry_run)
        prune_bookkeeping(session, calendar, cutoffs, tally, dry_run=dry_run)
    return _report(cutoffs, tally, dry_run=dry_run, seconds=time.monotonic() - started)


def _today(session: Session, calendar: Calendar, moment: datetime) -> date:
    return calendar.day_of(min(moment, session.row("read_clock", {}).moment))


def _report(cutoffs: Cutoffs, tally: Tally, *, dry_run: bool, seconds: float) -> PruneReport:
    snapshots = tuple(
        KindReport(
            kind=period_type.value,
            kept_from=cutoffs.of(period_type),
            gone=tally.gone[period_type.value],
            held=tally.held if period_type is PeriodType.DAILY else 0,
        )
        for period_type in PeriodType
    )
    bookkeeping = tuple(
        KindReport(kind=kind, kept_from=None, gone=tally.gone[kind]) for kind in BOOKKEEPING
    )
    unfinished = () if tally.is_complete else (UNFINISHED,)
    return PruneReport(
        kinds=snapshots + bookkeeping,
        today=cutoffs.today,
        is_complete=tally.is_complete,
        dry_run=dry_run,
        seconds=round(seconds, 3),
        warnings=held_warnings(tally, cutoffs.today) + unfinished,
    )
