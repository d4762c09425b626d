"""Whether a task is alive: its last success against its schedule. Nothing here reads a clock.

A task beats when a run for its latest due time has succeeded. A run counts by the moment that it
stands for, not by the time it ended: filling in old days never makes a dead task look alive.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from croniter import croniter

SHORTEST_GRACE = timedelta(minutes=15)
LONGEST_GRACE = timedelta(hours=1)
_WIDEST_CHANGE = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class CronClock:
    """The times of a cron schedule in a time zone, as Airflow computes them.

    A time that the change of clocks leaves out comes right after it; one that comes twice is the
    second; a schedule of every hour runs through.
    """

    expression: str
    timezone: ZoneInfo

    def next_time(self, after: datetime) -> datetime:
        """Return the first time after an aware moment, in UTC."""
        local = after.astimezone(self.timezone).replace(tzinfo=None)
        cron = croniter(self.expression, start_time=local)
        scheduled = cron.get_next(datetime)
        return self._moment_of(scheduled, cron, local, after)

    def next_times(self, after: datetime, count: int) -> list[datetime]:
        """Return the next times after an aware moment, in UTC."""
        times: list[datetime] = []
        for _ in range(count):
            times.append(self.next_time(times[-1] if times else after))
        return times

    def last_time(self, at: datetime) -> datetime:
        """Return the latest time that is not after an aware moment, in UTC."""
        local = at.astimezone(self.timezone).replace(tzinfo=None)
        cron = croniter(self.expression, start_time=local + _WIDEST_CHANGE)
        while True:
            scheduled = cron.get_prev(datetime)
            moment = self._moment_of(scheduled, cron, local, at)
            if moment <= at:
                return moment

    def _moment_of(
        self, scheduled: datetime, cron: croniter, local: datetime, moment: datetime
    ) -> datetime:
        if cron.expanded[1] == ["*"]:
            return moment.astimezone(UTC) + (scheduled - local)
        return self._in_utc(scheduled)

    def _in_utc(self, naive: datetime) -> datetime:
        second = naive.replace(tzinfo=self.timezone, fold=1).astimezone(UTC)
        if second.astimezone(self.timezone).replace(tzinfo=None) == naive:
            return second
        return naive.replace(tzinfo=self.timezone, fold=0).astimezone(UTC)


class Pulse(StrEnum):
    """What is known of a task's life."""

    FRESH = "fresh"
    WAITING = "waiting"
    RUNNING = "running"
    OVERDUE = "overdue"
    PAUSED = "paused"
    UNSCHEDULED = "unscheduled"


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A task's pulse, and the due time that it was judged by (UTC)."""

    pulse: Pulse
    due: datetime | None = None

    @property
    def is_overdue(self) -> bool:
        """Tell whether the task should have succeeded by now, and has not."""
        return self.pulse is Pulse.OVERDUE


def grace_of(clock: CronClock, now: datetime) -> timedelta:
    """Return how long after its time a run may end: one interval, within 15 minutes to an hour."""
    upcoming, after_that = clock.next_times(now, 2)
    return min(max(after_that - upcoming, SHORTEST_GRACE), LONGEST_GRACE)


def judge(
    clock: CronClock | None,
    *,
    now: datetime,
    since: datetime,
    last_success: datetime | None,
    running_since: datetime | None = None,
    paused: bool = False,
) -> Heartbeat:
    """Judge a task by the moment that its last successful run stands for.

    `since` is when the task, or its present schedule, came to be: times before it are not owed.
    A run that began within the grace is given that long: it may be catching up after a pause.
    """
    if paused:
        return Heartbeat(Pulse.PAUSED)
    if clock is None:
        return Heartbeat(Pulse.UNSCHEDULED)
    grace = grace_of(clock, now)
    due = clock.last_time(now - grace)
    if last_success is not None and last_success >= due:
        return Heartbeat(Pulse.FRESH, due)
    if due < since:
        return Heartbeat(Pulse.WAITING, due)
    if running_since is not None and running_since > now - grace:
        return Heartbeat(Pulse.RUNNING, due)
    return Heartbeat(Pulse.OVERDUE, due)
