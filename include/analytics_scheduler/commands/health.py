"""Tell whether snapshots can be taken and every task still succeeds on time.

It asks the database, the cache where one is configured, and the records of the runs, but never
Airflow: it also tells when Airflow is what died. Exit status 0: healthy; 1: not. A task that is
paused in Airflow on purpose is named with --paused. With a webhook it also stores which tasks are
overdue and sends the alerts that wait, for a few seconds and without a say in the exit status.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from analytics_scheduler.errors import AnalyticsError, SettingError
from analytics_scheduler.output import Output
from analytics_scheduler.settings import SCHEDULE_DEFAULTS

if TYPE_CHECKING:
    from psycopg import Connection

    from analytics_scheduler.freshness import TaskFreshness
    from analytics_scheduler.settings import DatabaseSettings

HELP = "exit 0 when healthy, 1 when not (for container health checks)"
_OK = "ok"
_NOT_CONFIGURED = "not configured"
_STATEMENT_SECONDS = 20
_ALERT_SECONDS = 3.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the tasks that nobody waits for."""
    parser.add_argument(
        "--paused",
        action="append",
        default=[],
        choices=list(SCHEDULE_DEFAULTS),
        metavar="TASK",
        help="a task that is paused in Airflow, and so never overdue; may be repeated",
    )


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Look at everything, print it, and return 1 where something is wrong."""
    from analytics_scheduler.alerts.delivery import send_waiting

    cache = _cache_state()
    database, tasks, unstored = _database_state(
        arguments.paused, has_cache=cache != _NOT_CONFIGURED
    )
    wrong = [
        *([] if database == _OK else [f"database: {database}"]),
        *([] if cache in (_OK, _NOT_CONFIGURED) else [f"cache: {cache}"]),
        *(
            f"{name} is overdue: due {task['due']}, last success {task['last_success']}"
            for name, task in tasks.items()
            if task["pulse"] == "overdue"
        ),
    ]
    for name, state in (("database", database), ("cache", cache)):
        output.line(f"{name:<20}{_OK if state == _OK else state}")
    for name, task in tasks.items():
        output.line(f"{name:<20}{task['pulse']:<13}{task['last_success'] or 'no success yet'}")
    for entry in wrong:
        output.error_line(entry)
    output.result(
        {
            "success": not wrong,
            "status": "unhealthy" if wrong else "healthy",
            "database": database,
            "cache": cache,
            "tasks": tasks,
            "wrong": wrong,
        }
    )
    if unstored:
        output.warning(f"alerts are not sent: {unstored}")
    elif database == _OK:
        send_waiting(seconds=_ALERT_SECONDS)
    return 1 if wrong else 0


def _database_state(
    paused: list[str], *, has_cache: bool
) -> tuple[str, dict[str, Any], str | None]:
    """Return the database's state, the hearts, and why alerts about them could not be stored."""
    from dataclasses import replace

    from analytics_scheduler.database import connected
    from analytics_scheduler.freshness import read_task_freshness
    from analytics_scheduler.migrations import require_migrated
    from analytics_scheduler.queries import Queries
    from analytics_scheduler.settings import CalendarSettings, DatabaseSettings

    try:
        settings = DatabaseSettings.load()
        seconds = min(settings.task_timeout_seconds, _STATEMENT_SECONDS)
        settings = replace(settings, task_timeout_seconds=seconds)
        calendar = CalendarSettings.load().calendar()
        with connected(settings) as connection:
            require_migrated(Queries(connection, settings))
            found = read_task_freshness(
                connection, settings, calendar, now=datetime.now(UTC), paused=paused
            )
            # Without a cache there is nothing that its cleanup could do.
            tasks = [
                task for task in found if has_cache or task.success or task.task != "cache-cleanup"
            ]
            unstored = _store_alerts(connection, settings, tasks)
    except AnalyticsError as error:
        return str(error), {}, None
    return _OK, {task.task: task.as_dict() for task in tasks}, unstored


def _store_alerts(
    connection: Connection[Any], database: DatabaseSettings, tasks: list[TaskFreshness]
) -> str | None:
    """Store what the hearts mean for the webhook; return why not, which is no fault of theirs."""
    from analytics_scheduler.alerts.outbox import store_task_freshness
    from analytics_scheduler.database import translated_errors
    from analytics_scheduler.settings import AlertSettings

    try:
        alerts = AlertSettings.load()
        if alerts.url is not None:
            with translated_errors(connection):
                store_task_freshness(connection, database, alerts, tasks)
    except AnalyticsError as error:
        return str(error)
    return None


def _cache_state() -> str:
    from analytics_scheduler.cache.connection import connected_cache
    from analytics_scheduler.settings import CacheSettings

    try:
        with connected_cache(CacheSettings.load()) as cache:
            cache.ping()
    except SettingError as error:
        return _NOT_CONFIGURED if "is not set" in str(error) else str(error)
    except AnalyticsError as error:
        return str(error)
    return _OK
