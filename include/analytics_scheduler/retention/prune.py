"""Delete what is older than the settings allow; a prune that stops is continued by the next one."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, datetime

from analytics_scheduler.database import translated_errors
from analytics_scheduler.migrations import require_migrated
from analytics_scheduler.periods import Calendar
from analytics_scheduler.queries import Queries
from analytics_scheduler.retention.bookkeeping import prune_bookkeeping
from analytics_scheduler.retention.context import PruneContext, short_transaction
from analytics_scheduler.retention.cutoffs import cutoffs_at
from analytics_scheduler.retention.report import Counts, PruneReport
from analytics_scheduler.retention.snapshots import prune_period_type
from analytics_scheduler.run_records import FinishedRun, finish_run
from analytics_scheduler.settings import AlertSettings, RetentionSettings
from analytics_scheduler.vocabulary import PeriodType

_ROWS_A_TRANSACTION = 5_000


def run_retention(
    queries: Queries,
    settings: RetentionSettings,
    calendar: Calendar,
    alerts: AlertSettings,
    *,
    task: str,
    run_id: str,
    started_at: datetime,
    moment: datetime,
    dry_run: bool,
    time_limit_seconds: float | None = None,
) -> tuple[PruneReport, FinishedRun]:
    """Prune once, record the run unless it is dry, and return the report and the run.

    Raises SchemaError if the package's tables are missing or older than this version.
    """
    require_migrated(queries)
    report = prune(
        queries,
        settings,
        calendar,
        moment=moment,
        dry_run=dry_run,
        time_limit_seconds=time_limit_seconds,
    )
    run = FinishedRun(
        task=task,
        run_id=run_id,
        outcome=report.outcome,
        started_at=started_at,
        report=report.as_dict(),
    )
    if not dry_run:
        finish_run(queries, run, alerts)
    return report, run


def prune(
    queries: Queries,
    settings: RetentionSettings,
    calendar: Calendar,
    *,
    moment: datetime,
    dry_run: bool = False,
    time_limit_seconds: float | None = None,
    rows_a_transaction: int = _ROWS_A_TRANSACTION,
    on_progress: Callable[[int], None] | None = None,
) -> PruneReport:
    """Delete the snapshots whose age at a moment is beyond the settings, and their bookkeeping.

    A moment in the future counts as now, by the database's clock: a mistyped date cannot make a row
    older than it is. A daily snapshot stays until the week and the month that contain it have been
    composed, unless these would be deleted themselves. A dry run only counts. A transaction that
    the caller left open is committed first, because each page is a transaction of its own.
    `on_progress` is called with the rows deleted so far.
    """
    started = time.monotonic()
    counts = Counts()
    with translated_errors(queries.connection):
        queries.connection.commit()
        context = PruneContext(
            queries=queries,
            calendar=calendar,
            cutoffs=cutoffs_at(settings, _today(queries, calendar, moment)),
            dry_run=dry_run,
            page_size=rows_a_transaction,
            stop_at=None if time_limit_seconds is None else started + time_limit_seconds,
            on_progress=on_progress,
        )
        for period_type in PeriodType:
            prune_period_type(context, period_type, counts)
        prune_bookkeeping(context, counts)
    return counts.report(context.cutoffs, dry_run=dry_run, seconds=time.monotonic() - started)


def _today(queries: Queries, calendar: Calendar, moment: datetime) -> date:
    with short_transaction(queries):
        now: datetime = queries.value("read_clock")
    return calendar.day_of(min(moment, now))
