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
# No time zone moves its clocks by more than this at once, but for changes of the date line.
_LARGEST_CLOCK_CHANGE = timedelta(hours=2)


def parse_schedule(text: str) -> str:
    """Return a cron string as the five fields that Airflow takes, or raise ValueError.

    Six fields are read as node-cron reads them, seconds first, and the seconds must be 0: a task
    runs at most once a minute. Airflow itself would read a sixth field as seconds at the end.
    """
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(f"it is longer than {_MAX_CHARACTERS} characters")
    fields = text.split()
    if len(fields) == _NODE_CRON_FIELDS:
        seconds, *fields = fields
        if seconds not in {"0", "00"}:
            raise ValueError(
                f"its seconds field is {seconds!r}, and tasks start at second 0 of a minute"
            )
    if len(fields) != _FIELDS:
        count = len(text.split())
        raise ValueError(f"it has {count} field{'' if count == 1 else 's'}")
    if any(field[0] in "rR" for field in fields):
        raise ValueError("a random field gives another time whenever it is read")
    from croniter import CroniterBadCronError, croniter

    expression = " ".join(fields)
    try:
        croniter(expression).get_next()
    except (CroniterBadCronError, ValueError, KeyError) as error:
        raise ValueError(f"{error}") from error
    return expression


@dataclass(frozen=True, slots=True)
class CronClock:
    """The times of a cron expression in a time zone, as Airflow computes them.

    A time that the clocks skip is moved to the hour after it; of a time that comes twice, the
    second one counts. An hourly schedule is not affected by either.
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
        cron = croniter(self.expression, start_time=local + _LARGEST_CLOCK_CHANGE)
        while True:
            scheduled = cron.get_prev(datetime)
            moment = self._moment_of(scheduled, cron, local, at)
            if moment <= at:
                return moment

    def _moment_of(
        self, scheduled: datetime, cron: croniter, local: datetime, moment: datetime
    ) -> datetime:
        """Return a scheduled local time in UTC; every hour passes if the hour field is `*`."""
        if cron.expanded[1] == ["*"]:
            return moment.astimezone(UTC) + (scheduled - local)
        return self._in_utc(scheduled)

    def _in_utc(self, naive: datetime) -> datetime:
        second = naive.replace(tzinfo=self.timezone, fold=1).astimezone(UTC)
        if second.astimezone(self.timezone).replace(tzinfo=None) == naive:
            return second
        # The clocks skip this time.
        return naive.replace(tzinfo=self.timezone, fold=0).astimezone(UTC)
