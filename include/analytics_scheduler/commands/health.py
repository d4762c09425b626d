"""Tell whether snapshots can be taken and every task still succeeds on time.

It asks the database, the cache where one is configured, and the records of the runs, but never
Airflow: it also tells when Airflow is what died. Exit status 0: healthy; 1: not. A task that is
paused in Airflow on purpose is named with --paused.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from analytics_scheduler.errors import AnalyticsError, SettingError
from analytics_scheduler.output import Output
from analytics_scheduler.settings import SCHEDULE_DEFAULTS

HELP = "exit 0 when healthy, 1 when not (for container health checks)"
_OK = "ok"
_NOT_CONFIGURED = "not configured"
_STATEMENT_SECONDS = 20


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
    cache = _cache_state()
    database, hearts = _database_state(arguments.paused, has_cache=cache != _NOT_CONFIGURED)
    wrong = [
        *([] if database == _OK else [f"database: {database}"]),
        *([] if cache in (_OK, _NOT_CONFIGURED) else [f"cache: {cache}"]),
        *(
            f"{task} is overdue: due {heart['due']}, last success {heart['last_success']}"
            for task, heart in hearts.items()
            if heart["pulse"] == "overdue"
        ),
    ]
    for name, state in (("database", database), ("cache", cache)):
        output.line(f"{name:<20}{_OK if state == _OK else state}")
    for task, heart in hearts.items():
        output.line(f"{task:<20}{heart['pulse']:<13}{heart['last_success'] or 'no success yet'}")
    for entry in wrong:
        output.error_line(entry)
    output.result(
        {
            "success": not wrong,
            "status": "unhealthy" if wrong else "healthy",
            "database": database,
            "cache": cache,
            "tasks": hearts,
            "wrong": wrong,
        }
    )
    return 1 if wrong else 0


def _database_state(paused: list[str], *, has_cache: bool) -> tuple[str, dict[str, Any]]:
    from dataclasses import replace

    from analytics_scheduler.database import connected
    from analytics_scheduler.migrations import require_migrated
    from analytics_scheduler.monitoring.hearts import read_hearts
    from analytics_scheduler.settings import CalendarSettings, DatabaseSettings

    try:
        settings = DatabaseSettings.load()
        seconds = min(settings.task_timeout_seconds, _STATEMENT_SECONDS)
        settings = replace(settings, task_timeout_seconds=seconds)
        calendar = CalendarSettings.load().calendar()
        with connected(settings) as connection:
            require_migrated(connection, settings)
            hearts = read_hearts(
                connection, settings, calendar, now=datetime.now(UTC), paused=paused
            )
    except AnalyticsError as error:
        return str(error), {}
    return _OK, {
        heart.task: heart.as_dict()
        for heart in hearts
        # Without a cache there is nothing that its cleanup could do.
        if has_cache or heart.success or heart.task != "cache-cleanup"
    }


def _cache_state() -> str:
    from analytics_scheduler.cache import connected_cache
    from analytics_scheduler.settings import CacheSettings

    try:
        with connected_cache(CacheSettings.load()) as cache:
            cache.ping()
    except SettingError as error:
        return _NOT_CONFIGURED if "is not set" in str(error) else str(error)
    except AnalyticsError as error:
        return str(error)
    return _OK
