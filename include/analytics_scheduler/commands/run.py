"""Take the snapshots of the last complete period, of the period that holds a day, or of a range.

Stored days whose movements have not changed are left as they are. --force computes them again at
current costs and prices, and keeps the old figures as revisions.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

from analytics_scheduler.errors import AnalyticsError, PeriodError, SettingError
from analytics_scheduler.output import Output, counted
from analytics_scheduler.periods import parse_day
from analytics_scheduler.setting_groups import settings_of
from analytics_scheduler.settings import SnapshotSettings
from analytics_scheduler.vocabulary import Outcome, PeriodType

if TYPE_CHECKING:
    from analytics_scheduler.periods import Calendar
    from analytics_scheduler.queries import Queries
    from analytics_scheduler.snapshots import RunSettings, SnapshotReport, SnapshotRequest

HELP = "take the snapshots of a day, week or month"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the period type, and a date or a range."""
    parser.add_argument("period", choices=PeriodType.words())
    parser.add_argument("--date", metavar="DAY", help="a day inside the wanted period (YYYY-MM-DD)")
    parser.add_argument("--from", dest="first", metavar="DAY", help="the first day of a range")
    parser.add_argument("--to", dest="last", metavar="DAY", help="the last day of a range")
    parser.add_argument(
        "--force",
        action="store_true",
        help="compute stored days again, at current costs and prices",
    )
    parser.add_argument(
        "--jobs", metavar="N", help="write over N database connections (default: SNAPSHOT_JOBS)"
    )


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Take the snapshots, print the report, and return the exit status."""
    from analytics_scheduler.database import connected
    from analytics_scheduler.run_records import FinishedRun, finish_run
    from analytics_scheduler.settings import load_alert_settings
    from analytics_scheduler.snapshots import (
        RunSettings,
        count_missing,
        prepare,
        recording,
        run_in_jobs,
    )

    settings = RunSettings.load()
    jobs = _jobs(arguments, settings)
    alerts = load_alert_settings()
    started = datetime.now(UTC)
    request = _request(arguments, settings.calendar, started)
    connect = partial(connected, settings.database)
    with connect() as connection:
        context = prepare(connection, settings)
        queries = context.queries
        report = run_in_jobs(
            context, request, connect, jobs=jobs, progress=_progress_of(request, output)
        )
        output.progress_done()
        with recording(connection, report):
            count_missing(queries, request, report)
            run = FinishedRun(
                task=request.period_type.task,
                run_id=request.run_id,
                outcome=report.outcome,
                started_at=started,
                report=report.as_dict(),
            )
            finish_run(queries, run, alerts)
        _publish(queries, report)
    _print(output, report, request)
    if alerts.url is not None:
        from analytics_scheduler.alerts.delivery import send_waiting

        send_waiting(settings.database, alerts)
    return 0 if report.outcome is Outcome.SUCCESS else 1


def _jobs(arguments: argparse.Namespace, settings: RunSettings) -> int:
    if arguments.jobs is None:
        return settings.snapshots.jobs
    parser = settings_of(SnapshotSettings)["jobs"].parser
    try:
        return int(parser.parse(arguments.jobs))
    except ValueError as error:
        raise SettingError(f"--jobs must be {parser.allowed}, got {arguments.jobs!r}.") from error


def _request(
    arguments: argparse.Namespace, calendar: Calendar, started: datetime
) -> SnapshotRequest:
    from analytics_scheduler.snapshots import request_for

    day, days = _dates(arguments)
    return request_for(
        PeriodType(arguments.period),
        calendar,
        run_id=f"cli__{started.isoformat(timespec='seconds')}__{uuid4().hex[:8]}",
        moment=started,
        now=started,
        date_wanted=day,
        date_range=days,
        force=arguments.force,
    )


def _progress_of(request: SnapshotRequest, output: Output) -> Callable[[SnapshotReport], None]:
    def show(so_far: SnapshotReport) -> None:
        output.progress(
            f"{request.describe()}: {counted(so_far.locations, 'location')}, "
            f"{counted(so_far.days_written, 'day')}, {so_far.seconds:.1f} s"
        )

    return show


def _publish(queries: Queries, report: SnapshotReport) -> None:
    """Publish the figures if a cache is configured; any failure is a warning of the report."""
    from analytics_scheduler.cache import not_published
    from analytics_scheduler.settings import CacheSettings

    try:
        settings = CacheSettings.load()
        if settings.url is None:
            return
        # Importing the Redis driver takes as long as a small run.
        from analytics_scheduler.cache.publish import publish_figures

        publish_figures(queries, settings, report.touched_period_types)
    except AnalyticsError as error:
        report.warnings.append(not_published(error))


def _dates(arguments: argparse.Namespace) -> tuple[date | None, tuple[date, date] | None]:
    if arguments.date and (arguments.first or arguments.last):
        raise PeriodError(
            "--date names one period, --from and --to name a range: give one or the other."
        )
    if bool(arguments.first) != bool(arguments.last):
        raise PeriodError("A range needs both --from and --to.")
    if arguments.first:
        return None, (parse_day(arguments.first), parse_day(arguments.last))
    return (parse_day(arguments.date) if arguments.date else None), None


def _print(output: Output, report: SnapshotReport, request: SnapshotRequest) -> None:
    for warning in report.warnings:
        output.warning(warning)
    for entry in report.unexplained:
        output.warning(str(entry))
    for failure in report.failures:
        output.error_line(str(failure))
    output.line(report.summary())
    output.result(
        {
            "success": report.outcome is Outcome.SUCCESS,
            "run_id": request.run_id,
            **report.as_dict(limit=None),
        }
    )
