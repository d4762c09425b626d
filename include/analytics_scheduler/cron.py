"""Cron strings: five fields, or six as node-cron writes them, with the seconds first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from croniter import croniter

_FIELDS = 5
_NODE_CRON_FIELDS = 6
_MAX_CHARACTERS = 100
_WIDEST_CHANGE = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule of five cron fields, as Airflow takes it."""

    expression: str

    def __str__(self) -> str:
        return self.expression


def parse_schedule(text: str) -> Schedule:
    """Return the schedule that a cron string names, or raise ValueError with the reason.

    Six fields are read as node-cron does, seconds first, and only the seconds 0 are taken: a task
    runs at most once a minute. Airflow itself would read a sixth field as seconds at the end.
    """
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(f"it is longer than {_MAX_CHARACTERS} characters")
    parts = text.split()
    if len(parts) == _NODE_CRON_FIELDS:
        seconds, *parts = parts
        if seconds not in {"0", "00"}:
            raise ValueError(
                f"its seconds field is {seconds!r}, and tasks start at second 0 of a minute"
            )
    if len(parts) != _FIELDS:
        raise ValueError(f"it has {len(text.split())} fields")
    if any(part[0] in "rR" for part in parts):
        raise ValueError("a random field would change with every reading")
    from croniter import CroniterBadCronError, croniter

    expression = " ".join(parts)
    try:
        croniter(expression).get_next()
    except (CroniterBadCronError, ValueError, KeyError) as error:
        raise ValueError(f"{error}") from error
    return Schedule(expression)


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
        from croniter import croniter

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
        from croniter import croniter

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
