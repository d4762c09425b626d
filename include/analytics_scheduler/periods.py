"""Calendar periods: the days that a snapshot covers, and when a day begins.

A period is a day, a week or a month of the calendar, from its first day to its last. A day is a
date in the time zone of the scheduler: it lasts from its first instant there to the first instant
of the next date, usually 24 hours, but 23 or 25 when clocks change. Instants are aware datetimes in
UTC. Nothing here reads a clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import assert_never
from zoneinfo import ZoneInfo

from analytics_scheduler.errors import PeriodError
from analytics_scheduler.vocabulary import PeriodType

ONE_DAY = timedelta(days=1)
EARLIEST_DAY = date(1970, 1, 1)
MAX_RANGE_YEARS = 5
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SHOWN_CHARACTERS = 40


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A day, a week or a month, from its first day to its last, both included."""

    start: date
    end: date
    period_type: PeriodType

    def __str__(self) -> str:
        return f"{self.start}" if self.start == self.end else f"{self.start}..{self.end}"


@dataclass(frozen=True, slots=True)
class Calendar:
    """The time zone that days are counted in, and the weekday that weeks start on (Monday is 0)."""

    timezone: ZoneInfo
    week_start: int = 6

    def day_of(self, moment: datetime) -> date:
        """Return the day that contains an aware moment."""
        return moment.astimezone(self.timezone).date()

    def day_start(self, day: date) -> datetime:
        """Return the first instant of a day, in UTC.

        If clocks skip midnight, that is the instant of the change; if midnight comes twice, it is
        the first of the two.
        """
        return datetime.combine(day, time.min, tzinfo=self.timezone).astimezone(UTC)

    def period_containing(self, period_type: PeriodType, day: date) -> Period:
        """Return the period of the given type that contains the day."""
        match period_type:
            case PeriodType.DAILY:
                start = end = day
            case PeriodType.WEEKLY:
                start = day - timedelta(days=(day.weekday() - self.week_start) % 7)
                end = start + timedelta(days=6)
            case PeriodType.MONTHLY:
                start = day.replace(day=1)
                end = (start + timedelta(days=31)).replace(day=1) - ONE_DAY
            case _:
                assert_never(period_type)
        return Period(start, end, period_type)

    def last_complete_period(self, period_type: PeriodType, moment: datetime) -> Period:
        """Return the latest period that had ended at an aware moment."""
        today = self.day_of(moment)
        return self.period_containing(
            period_type, self.period_containing(period_type, today).start - ONE_DAY
        )

    def period_of_date(self, period_type: PeriodType, day: date, *, now: datetime) -> Period:
        """Return the period that contains a day, or raise PeriodError unless it has ended."""
        if day < EARLIEST_DAY:
            raise PeriodError(f"The date {day} is too early. The earliest date is {EARLIEST_DAY}.")
        today = self.day_of(now)
        if day > today:
            raise PeriodError(
                f"The date {day} is in the future: today is {today} in {self.timezone.key}. "
                f"Choose a {period_type.noun} that has ended."
            )
        period = self.period_containing(period_type, day)
        if period.end >= today:
            last = self.last_complete_period(period_type, now)
            raise PeriodError(
                f"The {period_type.noun} {period} has not ended yet in {self.timezone.key}. "
                f"The last complete {period_type.noun} is {last}."
            )
        return period

    def periods_in_range(
        self, period_type: PeriodType, first: date, last: date, *, now: datetime
    ) -> list[Period]:
        """Return every period that contains a day of the range, or raise PeriodError.

        The range may last MAX_RANGE_YEARS, and all its periods must have ended.
        """
        if last < first:
            raise PeriodError(f"The range ends on {last}, before it starts on {first}.")
        limit = (first.year + MAX_RANGE_YEARS, first.month, first.day)
        if (last.year, last.month, last.day) >= limit:
            raise PeriodError(
                f"The range {first}..{last} is longer than {MAX_RANGE_YEARS} years. "
                "Split it into shorter ranges."
            )
        self.period_of_date(period_type, last, now=now)
        self.period_of_date(period_type, first, now=now)
        return list(self._periods_from(period_type, first, last))

    def _periods_from(self, period_type: PeriodType, first: date, last: date) -> Iterator[Period]:
        period = self.period_containing(period_type, first)
        while period.start <= last:
            yield period
            period = self.period_containing(period_type, period.end + ONE_DAY)


def parse_day(text: str) -> date:
    """Return the day that a YYYY-MM-DD text names, or raise PeriodError."""
    quoted = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
    if not _DAY_FORM.fullmatch(text):
        raise PeriodError(f"The date must have the form YYYY-MM-DD, got {quoted!r}.")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise PeriodError(f"The date {quoted!r} does not exist: {error}.") from error
