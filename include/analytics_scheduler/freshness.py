"""Whether a task is alive: its last success against its schedule. Nothing here reads a clock.

A task beats when a run for its latest due time has succeeded. A run counts by the moment that it
stands for, not by the time it ended: filling in old days never makes a dead task look alive.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from psycopg import Connection

from analytics_scheduler.cron import CronClock
from analytics_scheduler.database import statement
from analytics_scheduler.periods import ONE_DAY, Calendar
from analytics_scheduler.settings import (
    SCHEDULE_DEFAULTS,
    DatabaseSettings,
    ScheduleSettings,
    load_schedule,
)
from analytics_scheduler.vocabulary import FreshnessState, PeriodType

SHORTEST_GRACE = timedelta(minutes=15)
LONGEST_GRACE = timedelta(hours=1)
# Runs are recorded by the database's clock, and started by that of the scheduler.
_CLOCK_SKEW = timedelta(minutes=1)
_INSTANT = timedelta(microseconds=1)
_PERIOD_TYPES: Mapping[str, PeriodType] = {f"{each}-snapshot": each for each in PeriodType}


@dataclass(frozen=True, slots=True)
class Freshness:
    """A task's pulse, and the due time that it was judged by (UTC)."""

    state: FreshnessState
    due: datetime | None = None

    @property
    def is_overdue(self) -> bool:
        """Tell whether the task should have succeeded by now, and has not."""
        return self.state is FreshnessState.OVERDUE


def grace_of(clock: CronClock, now: datetime) -> timedelta:
    """Return how long after its time a run may end: one interval, within 15 minutes to an hour."""
    upcoming, after_that = clock.next_times(now, 2)
    return min(max(after_that - upcoming, SHORTEST_GRACE), LONGEST_GRACE)


def assess(
    clock: CronClock | None,
    *,
    now: datetime,
    since: datetime,
    last_success: datetime | None,
    running_since: datetime | None = None,
    paused: bool = False,
) -> Freshness:
    """Judge a task by the moment that its last successful run stands for.

    `since` is when the task, or its present schedule, came to be: times before it are not owed.
    A run that began within the grace is given that long: it may be catching up after a pause.
    """
    if paused:
        return Freshness(FreshnessState.PAUSED)
    if clock is None:
        return Freshness(FreshnessState.UNSCHEDULED)
    grace = grace_of(clock, now)
    due = clock.last_time(now - grace)
    if last_success is not None and last_success >= due:
        return Freshness(FreshnessState.FRESH, due)
    if due < since:
        return Freshness(FreshnessState.WAITING, due)
    if running_since is not None and running_since > now - grace:
        return Freshness(FreshnessState.RUNNING, due)
    return Freshness(FreshnessState.OVERDUE, due)


@dataclass(frozen=True, slots=True)
class Success:
    """A task's newest success: when it ended, and the last day that it wrote, if any."""

    finished_at: datetime
    last_day: date | None

    def moment(self, task: str, calendar: Calendar) -> datetime:
        """Return the moment that the success stands for: a filled-in period for its own time.

        A period is the newest one until the period after it is over.
        """
        at = self.finished_at + _CLOCK_SKEW
        period_type = _PERIOD_TYPES.get(task)
        if period_type is None or self.last_day is None:
            return at
        following = calendar.period_containing(period_type, self.last_day + ONE_DAY)
        return min(at, calendar.day_start(following.end + ONE_DAY) - _INSTANT)


@dataclass(frozen=True, slots=True)
class ChangedSchedule:
    """A schedule that was set at run time: nothing is owed from before."""

    expression: str
    since: datetime


@dataclass(frozen=True, slots=True)
class TaskFreshness:
    """A task with its pulse, its newest success, and the last day that is owed, if any."""

    task: str
    freshness: Freshness
    success: Success | None
    owed_day: date | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the heart as plain data."""
        success, due = self.success, self.freshness.due
        return {
            "pulse": self.freshness.state.value,
            "due": due.isoformat() if due else None,
            "last_success": success.finished_at.isoformat() if success else None,
            "last_day": str(success.last_day) if success and success.last_day else None,
        }


def read_task_freshness(
    connection: Connection[Any],
    settings: DatabaseSettings,
    calendar: Calendar,
    *,
    now: datetime,
    paused: Collection[str] = (),
    changed: Mapping[str, ChangedSchedule] | None = None,
) -> list[TaskFreshness]:
    """Return the heart of every task of ours; raises SettingError for a schedule that is none.

    `paused` and `changed` are what the caller has learnt from Airflow.
    """
    rows = connection.execute(statement("list_last_successes", settings)).fetchall()
    successes = {task: Success(finished_at, last_day) for task, finished_at, last_day in rows}
    row = connection.execute(statement("read_first_migration", settings)).fetchone()
    connection.rollback()
    since = row[0] if row and row[0] else now
    schedules = ScheduleSettings.load()
    tasks = []
    for task in SCHEDULE_DEFAULTS:
        success = successes.get(task)
        schedule = (changed or {}).get(task) or ChangedSchedule(
            load_schedule(task).expression, since
        )
        freshness = assess(
            CronClock(schedule.expression, schedules.timezone) if schedules.enabled else None,
            now=now,
            since=max(since, schedule.since),
            last_success=success.moment(task, calendar) if success else None,
            paused=task in paused,
        )
        tasks.append(TaskFreshness(task, freshness, success, _owed_day(task, freshness, calendar)))
    return tasks


def _owed_day(task: str, freshness: Freshness, calendar: Calendar) -> date | None:
    period_type = _PERIOD_TYPES.get(task)
    if period_type is None or freshness.due is None:
        return None
    return calendar.last_complete_period(period_type, freshness.due).end
