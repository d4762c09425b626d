"""The heartbeat of every task, read from the records of its runs: Airflow is not asked.

So it is told also when Airflow is what died. What only Airflow knows, a pause or a schedule that
was changed at run time, is not seen here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from psycopg import Connection

from analytics_scheduler.database import statement
from analytics_scheduler.heartbeat import CronClock, Heartbeat, judge
from analytics_scheduler.periods import ONE_DAY, Calendar, Period
from analytics_scheduler.settings import (
    SCHEDULE_DEFAULTS,
    DatabaseSettings,
    ScheduleSettings,
    load_schedule,
)

# Runs are recorded by the database's clock, and started by that of the scheduler.
_CLOCK_SKEW = timedelta(minutes=1)
_INSTANT = timedelta(microseconds=1)
_PERIODS: Mapping[str, Period] = {f"{period}-snapshot": period for period in Period}


@dataclass(frozen=True, slots=True)
class Success:
    """A task's newest success: when it ended, and the last day that it wrote, if any."""

    finished_at: datetime
    last_day: date | None

    def moment(self, task: str, calendar: Calendar) -> datetime:
        """Return the moment that the success stands for: a filled-in slot stands for its own time.

        A slot is the newest one until the slot after it is over.
        """
        at = self.finished_at + _CLOCK_SKEW
        period = _PERIODS.get(task)
        if period is None or self.last_day is None:
            return at
        following = calendar.slot_containing(period, self.last_day + ONE_DAY)
        return min(at, calendar.day_start(following.end + ONE_DAY) - _INSTANT)


@dataclass(frozen=True, slots=True)
class ChangedSchedule:
    """A schedule that was set at run time: nothing is owed from before."""

    expression: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Heart:
    """A task with its pulse, its newest success, and the last day that is owed, if any."""

    task: str
    beat: Heartbeat
    success: Success | None
    owed_day: date | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the heart as plain data."""
        success, due = self.success, self.beat.due
        return {
            "pulse": self.beat.pulse.value,
            "due": due.isoformat() if due else None,
            "last_success": success.finished_at.isoformat() if success else None,
            "last_day": str(success.last_day) if success and success.last_day else None,
        }


def read_hearts(
    connection: Connection[Any],
    settings: DatabaseSettings,
    calendar: Calendar,
    *,
    now: datetime,
    paused: Collection[str] = (),
    changed: Mapping[str, ChangedSchedule] | None = None,
) -> list[Heart]:
    """Return the heart of every task of ours; raises SettingError for a schedule that is none.

    `paused` and `changed` are what the caller has learnt from Airflow.
    """
    rows = connection.execute(statement("monitoring/list_last_successes", settings)).fetchall()
    successes = {task: Success(finished_at, last_day) for task, finished_at, last_day in rows}
    row = connection.execute(statement("monitoring/read_first_migration", settings)).fetchone()
    connection.rollback()
    since = row[0] if row and row[0] else now
    schedules = ScheduleSettings.load()
    hearts = []
    for task in SCHEDULE_DEFAULTS:
        success = successes.get(task)
        schedule = (changed or {}).get(task) or ChangedSchedule(
            load_schedule(task).expression, since
        )
        beat = judge(
            CronClock(schedule.expression, schedules.timezone) if schedules.enabled else None,
            now=now,
            since=max(since, schedule.since),
            last_success=success.moment(task, calendar) if success else None,
            paused=task in paused,
        )
        hearts.append(Heart(task, beat, success, _owed_day(task, beat, calendar)))
    return hearts


def _owed_day(task: str, beat: Heartbeat, calendar: Calendar) -> date | None:
    period = _PERIODS.get(task)
    if period is None or beat.due is None:
        return None
    return calendar.last_complete_slot(period, beat.due).end
