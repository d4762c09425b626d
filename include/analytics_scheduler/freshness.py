"""Whether tasks succeed on schedule: the last success of each against the time it was due.

A success counts for the moment that it stands for, not for the time when it ended: old days that
are filled in do not make a task fresh. Nothing here reads a clock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from analytics_scheduler.cron import CronClock
from analytics_scheduler.periods import ONE_DAY, Calendar
from analytics_scheduler.vocabulary import FreshnessState, PeriodType

if TYPE_CHECKING:
    from analytics_scheduler.queries import Queries

SHORTEST_GRACE = timedelta(minutes=15)
LONGEST_GRACE = timedelta(hours=1)
# Runs start by the scheduler's clock and are recorded by the database's.
CLOCK_SKEW = timedelta(minutes=1)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Freshness:
    """What is known of a task, and the due time (UTC) that decided it."""

    state: FreshnessState
    due: datetime | None = None

    @property
    def is_overdue(self) -> bool:
        """Whether the task should have succeeded by now, and has not."""
        return self.state is FreshnessState.OVERDUE


def grace_of(clock: CronClock, now: datetime) -> timedelta:
    """Return how long a run may take: one interval, at least 15 minutes and at most an hour."""
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
    """Assess a task by the moment that its last success stands for.

    `since` is when the task, or its present schedule, began: no earlier time is due. A run that
    started within the grace may still be catching up after a pause, so the task is not overdue
    yet.
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
class TaskSchedule:
    """When a task is due: never without a clock, and only from `since` on, if that is given."""

    clock: CronClock | None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Success:
    """The last success of a task: when it ended, and the last day it wrote, if any."""

    finished_at: datetime
    last_day: date | None

    def moment(self, task: str, calendar: Calendar) -> datetime:
        """Return the moment that the success stands for.

        A snapshot of an old period stands for the time when that period was the last complete
        one, which ends with the period after it.
        """
        at = self.finished_at + CLOCK_SKEW
        period_type = PeriodType.of_task(task)
        if period_type is None or self.last_day is None:
            return at
        following = calendar.period_containing(period_type, self.last_day + ONE_DAY)
        return min(at, calendar.day_start(following.end + ONE_DAY) - _INSTANT)


@dataclass(frozen=True, slots=True)
class TaskFreshness:
    """A task with its freshness, its last success, and the last day that is due, if any."""

    task: str
    freshness: Freshness
    success: Success | None
    due_day: date | None = None

    def as_dict(self) -> dict[str, str | None]:
        """Return the entry of the task in the output of `health`."""
        success, due = self.success, self.freshness.due
        return {
            "pulse": self.freshness.state.value,
            "due": due.isoformat() if due else None,
            "last_success": success.finished_at.isoformat() if success else None,
            "last_day": str(success.last_day) if success and success.last_day else None,
        }


def read_task_freshness(
    queries: Queries,
    calendar: Calendar,
    schedules: Mapping[str, TaskSchedule],
    *,
    now: datetime,
    paused: Collection[str] = (),
) -> list[TaskFreshness]:
    """Return the freshness of each task in `schedules`, from the records of its runs.

    `paused` names the tasks that are paused in Airflow. No transaction is left open.
    """
    successes = {
        task: Success(finished_at, last_day)
        for task, finished_at, last_day in queries.run("list_last_successes")
    }
    installed_at = queries.value("read_first_migration") or now
    queries.connection.rollback()
    tasks = []
    for task, schedule in schedules.items():
        success = successes.get(task)
        freshness = assess(
            schedule.clock,
            now=now,
            since=max(installed_at, schedule.since or installed_at),
            last_success=success.moment(task, calendar) if success else None,
            paused=task in paused,
        )
        tasks.append(TaskFreshness(task, freshness, success, _due_day(task, freshness, calendar)))
    return tasks


def _due_day(task: str, freshness: Freshness, calendar: Calendar) -> date | None:
    period_type = PeriodType.of_task(task)
    if period_type is None or freshness.due is None:
        return None
    return calendar.last_complete_period(period_type, freshness.due).end
