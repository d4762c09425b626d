"""Check whether snapshots can be taken, and whether every task still succeeds on schedule.

It asks the database, the cache if one is configured, and the records of the runs, but never
Airflow, so it also notices that Airflow is down. Exit status 0: healthy; 1: not. Name a task that
is paused in Airflow with --paused. If a webhook is configured, alerts about overdue tasks are
stored and waiting alerts are sent, for a few seconds; that does not affect the exit status.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from analytics_scheduler.errors import AnalyticsError, NotConfiguredError
from analytics_scheduler.output import Output
from analytics_scheduler.settings import SCHEDULE_DEFAULTS
from analytics_scheduler.vocabulary import HealthStatus, ServerState

if TYPE_CHECKING:
    from analytics_scheduler.freshness import TaskFreshness

HELP = "exit 0 if healthy, 1 if not (for container health checks)"
_STATEMENT_SECONDS = 20
_ALERT_SECONDS = 3.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Accept the names of paused tasks."""
    parser.add_argument(
        "--paused",
        action="append",
        default=[],
        choices=list(SCHEDULE_DEFAULTS),
        metavar="TASK",
        help="a task that is paused in Airflow, and so never overdue; may be repeated",
    )


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Check everything, print what was found, and return 1 if anything is wrong."""
    cache = _ask_cache()
    database = _Answer(ServerState.OK)
    tasks: list[TaskFreshness] = []
    try:
        has_cache = cache.state is not ServerState.NOT_CONFIGURED
        tasks = _read_tasks(arguments.paused, has_cache=has_cache)
    except AnalyticsError as error:
        database = _Answer(ServerState.DOWN, str(error))
    wrong = _problems(database, cache, tasks)
    _print(output, database, cache, tasks, wrong)
    if database.state is ServerState.OK:
        try:
            _send_alerts(tasks)
        except AnalyticsError as error:
            output.warning(f"alerts are not sent: {error}")
    return 1 if wrong else 0


@dataclass(frozen=True, slots=True)
class _Answer:
    """Whether a server can be used, and if not, why."""

    state: ServerState
    error: str = ""

    def __str__(self) -> str:
        return self.error or self.state.value


def _ask_cache() -> _Answer:
    from analytics_scheduler.cache.connection import connected_cache
    from analytics_scheduler.settings import CacheSettings

    try:
        with connected_cache(CacheSettings.load()) as cache:
            cache.ping()
    except NotConfiguredError:
        return _Answer(ServerState.NOT_CONFIGURED)
    except AnalyticsError as error:
        return _Answer(ServerState.DOWN, str(error))
    return _Answer(ServerState.OK)


def _read_tasks(paused: list[str], *, has_cache: bool) -> list[TaskFreshness]:
    """Return the freshness of each task, or raise AnalyticsError if the database is not usable."""
    from analytics_scheduler.database import connected
    from analytics_scheduler.freshness import TaskSchedule, read_task_freshness
    from analytics_scheduler.migrations import require_migrated
    from analytics_scheduler.queries import Queries
    from analytics_scheduler.settings import (
        CalendarSettings,
        DatabaseSettings,
        ScheduleSettings,
        load_schedule,
    )

    settings = DatabaseSettings.load().limited(_STATEMENT_SECONDS)
    calendar = CalendarSettings.load().calendar()
    switch = ScheduleSettings.load()
    schedules = {
        task: TaskSchedule(switch.clock(load_schedule(task))) for task in SCHEDULE_DEFAULTS
    }
    with connected(settings) as connection:
        queries = Queries(connection, settings)
        require_migrated(queries)
        tasks = read_task_freshness(
            queries,
            calendar,
            schedules,
            now=datetime.now(UTC),
            paused=paused,
        )
    # Without a cache there is nothing to clean up.
    return [task for task in tasks if has_cache or task.success or task.task != "cache-cleanup"]


def _problems(database: _Answer, cache: _Answer, tasks: list[TaskFreshness]) -> list[str]:
    problems = [
        f"{name}: {answer}"
        for name, answer in (("database", database), ("cache", cache))
        if answer.state is ServerState.DOWN
    ]
    for task in tasks:
        if task.freshness.is_overdue:
            shown = task.as_dict()
            problems.append(
                f"{task.task} is overdue: due {shown['due']}, last success {shown['last_success']}"
            )
    return problems


def _print(
    output: Output,
    database: _Answer,
    cache: _Answer,
    tasks: list[TaskFreshness],
    wrong: list[str],
) -> None:
    entries = {task.task: task.as_dict() for task in tasks}
    for name, answer in (("database", database), ("cache", cache)):
        output.line(f"{name:<20}{answer}")
    for name, entry in entries.items():
        output.line(f"{name:<20}{entry['pulse']:<13}{entry['last_success'] or 'no success yet'}")
    for problem in wrong:
        output.error_line(problem)
    output.result(
        {
            "success": not wrong,
            "status": (HealthStatus.UNHEALTHY if wrong else HealthStatus.HEALTHY).value,
            "database": str(database),
            "cache": str(cache),
            "tasks": entries,
            "wrong": wrong,
        }
    )


def _send_alerts(tasks: list[TaskFreshness]) -> None:
    """Store alerts about the tasks and send what waits, or raise AnalyticsError."""
    from analytics_scheduler.alerts.delivery import STATEMENT_SECONDS, deliver
    from analytics_scheduler.alerts.overdue import queue_overdue_alerts
    from analytics_scheduler.database import connected
    from analytics_scheduler.queries import Queries
    from analytics_scheduler.settings import AlertSettings, DatabaseSettings

    alerts = AlertSettings.load()
    if alerts.url is None:
        return
    settings = DatabaseSettings.load().limited(STATEMENT_SECONDS)
    with connected(settings) as connection:
        queries = Queries(connection, settings)
        queue_overdue_alerts(queries, alerts, tasks)
        deliver(queries, alerts, seconds=_ALERT_SECONDS)
