"""Every task with its schedule, its last success, and whether it is on time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from analytics_scheduler.api.metadata import read_clock, read_first_seen, read_runs, read_tasks
from analytics_scheduler.api.records import RunRecord, TaskRecord
from analytics_scheduler.api.stored_schedules import read_stored_schedules
from analytics_scheduler.cron import CronClock
from analytics_scheduler.errors import PeriodError
from analytics_scheduler.freshness import Freshness, assess
from analytics_scheduler.orchestration.schedules import (
    DOCUMENTED_TASKS,
    RETENTION_TASK,
    StoredSchedule,
    in_documented_order,
)
from analytics_scheduler.periods import Calendar, parse_day
from analytics_scheduler.settings import CalendarSettings
from analytics_scheduler.vocabulary import PeriodType

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_SUCCESSES_READ = 100  # enough to find one that counts among runs that filled in old periods
_RUNNING_READ = 5
_IN_PROGRESS = ("queued", "running")
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TaskStatus:
    """A task, the clock and the change of its schedule if it has any, and its freshness."""

    task: TaskRecord
    clock: CronClock | None
    changed: StoredSchedule | None
    last_success: RunRecord | None
    freshness: Freshness


def read_task_statuses(session: Session, *, now: datetime) -> list[TaskStatus]:
    """Return every task that Airflow knows: the documented ones, retention, then the user's."""
    tasks = read_tasks(session)
    names = in_documented_order(tasks)
    if RETENTION_TASK in tasks:
        names.insert(sum(name in DOCUMENTED_TASKS for name in names), RETENTION_TASK)
    first_seen = read_first_seen(session, tasks)
    changed = read_stored_schedules(session)
    calendar = CalendarSettings.load().calendar()
    return [
        _read_status(
            session,
            tasks[name],
            changed=changed.get(name),
            first_seen=first_seen.get(name, _LONG_AGO),
            calendar=calendar,
            now=now,
        )
        for name in names
    ]


def _read_status(
    session: Session,
    task: TaskRecord,
    *,
    changed: StoredSchedule | None,
    first_seen: datetime,
    calendar: Calendar,
    now: datetime,
) -> TaskStatus:
    clock = read_clock(session, task)
    moment, last_success = _last_success(session, task.name, calendar)
    running = read_runs(session, task.name, limit=_RUNNING_READ, states=_IN_PROGRESS)
    begun = [run.started_at or run.queued_at for run in running]
    freshness = assess(
        clock,
        now=now,
        since=max(first_seen, changed.moment) if changed else first_seen,
        last_success=moment,
        running_since=max((at for at in begun if at is not None), default=None),
        paused=task.is_paused,
    )
    return TaskStatus(task, clock, changed, last_success, freshness)


def _last_success(
    session: Session, name: str, calendar: Calendar
) -> tuple[datetime, RunRecord] | tuple[None, None]:
    """Return the successful run that stands for the latest time, after that time."""
    runs = read_runs(session, name, limit=_SUCCESSES_READ, states=["success"])
    moments = [(moment_of(run, name, calendar), run) for run in runs]
    counted = [(moment, run) for moment, run in moments if moment is not None]
    return max(counted, key=lambda pair: pair[0], default=(None, None))


def moment_of(run: RunRecord, name: str, calendar: Calendar) -> datetime | None:
    """Return the time that a successful run stands for, or None if it filled in an old period.

    A run for a date counts from its trigger if the date lies in the period that was due then. No
    run stands for a time after its own end.
    """
    date = run.conf.get("date")
    if not date:
        return min(run.moment, run.ended_at or run.moment)
    period_type = PeriodType.of_task(name)
    if period_type is None:
        return None
    try:
        period = calendar.period_containing(period_type, parse_day(str(date)))
    except PeriodError:
        return None
    was_due = period == calendar.last_complete_period(period_type, run.run_after)
    return run.run_after if was_due else None
