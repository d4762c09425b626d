"""Calendar periods: which days a run stands for, and when a day begins in a time zone.

A period is one period of the calendar: a day, a week or a month. Days are dates in the scheduler's
time zone; instants are aware datetimes in UTC. Nothing here reads a clock.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from analytics_scheduler.errors import PeriodError
from analytics_scheduler.vocabulary import PeriodType

ONE_DAY = timedelta(days=1)
EARLIEST_DAY = date(1970, 1, 1)
MAX_RANGE_YEARS = 5
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """One calendar period, from its first day to its last, both included."""

    start: date
    end: date
    period_type: PeriodType

    def __str__(self) -> str:
        return f"{self.start}" if self.start == self.end else f"{self.start}..{self.end}"

    def days(self) -> list[date]:
        """Return every day of the period, in order."""
        return [self.start + timedelta(days=n) for n in range((self.end - self.start).days + 1)]


@dataclass(frozen=True, slots=True)
class Calendar:
    """The time zone that days are counted in, and the weekday that weeks start on (0 = Monday)."""

    timezone: ZoneInfo
    week_start: int = 6

    def day_of(self, moment: datetime) -> date:
        """Return the calendar day that holds an aware moment."""
        return moment.astimezone(self.timezone).date()

    def day_start(self, day: date) -> datetime:
        """Return the first instant of a day, in UTC.

        Where midnight does not exist (clocks go forward at midnight) it is the instant of the
        change; where midnight comes twice, the first of the two.
        """
        return datetime.combine(day, time.min, tzinfo=self.timezone).astimezone(UTC)

    def period_containing(self, period_type: PeriodType, day: date) -> Period:
        """Return the period of this period that holds the day."""
        if period_type is PeriodType.DAILY:
            return Period(day, day, period_type)
        if period_type is PeriodType.WEEKLY:
            start = day - timedelta(days=(day.weekday() - self.week_start) % 7)
            return Period(start, start + timedelta(days=6), period_type)
        start = day.replace(day=1)
        next_month = (start + timedelta(days=31)).replace(day=1)
        return Period(start, next_month - ONE_DAY, period_type)

    def last_complete_period(self, period_type: PeriodType, moment: datetime) -> Period:
        """Return the latest period that was over at an aware moment."""
        today = self.day_of(moment)
        return self.period_containing(
            period_type, self.period_containing(period_type, today).start - ONE_DAY
        )

    def period_of_date(self, period_type: PeriodType, day: date, *, now: datetime) -> Period:
        """Return the period that holds a day, or raise PeriodError where it is not over yet."""
        if day < EARLIEST_DAY:
            raise PeriodError(
                f"The date {day} is too early: dates from {EARLIEST_DAY} on are allowed."
            )
        if day > self.day_of(now):
            raise PeriodError(
                f"The date {day} lies in the future: today is {self.day_of(now)} in "
                f"{self.timezone.key}. Name a day inside a {period_type.noun} that is over."
            )
        period = self.period_containing(period_type, day)
        if period.end >= self.day_of(now):
            last = self.last_complete_period(period_type, now)
            raise PeriodError(
                f"The {period_type.noun} {period} that holds {day} is not over yet in "
                f"{self.timezone.key}: the last complete one is {last}."
            )
        return period

    def periods_in_range(
        self, period_type: PeriodType, first: date, last: date, *, now: datetime
    ) -> list[Period]:
        """Return every period that holds a day of the range, or raise PeriodError."""
        if last < first:
            raise PeriodError(f"The range ends ({last}) before it starts ({first}).")
        if (first.year + MAX_RANGE_YEARS, first.month, first.day) <= (
            last.year,
            last.month,
            last.day,
        ):
            raise PeriodError(
                f"The range {first}..{last} is longer than {MAX_RANGE_YEARS} years: split it."
            )
        self.period_of_date(period_type, last, now=now)
        self.period_of_date(period_type, first, now=now)
        return list(self._periods_from(period_type, first, last))

    def _periods_from(self, period_type: PeriodType, first: date, last: date) -> Iterator[Period]:
        period = self.period_containing(period_type, first)
        while period.start <= last:
            yield period
            period = self.period_containing(period_type, period.end + ONE_DAY)


_SHOWN_CHARACTERS = 40


def parse_day(text: str) -> date:
    """Return the day that a YYYY-MM-DD text names, or raise PeriodError."""
    quoted = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
    if not _DAY_FORM.fullmatch(text):
        raise PeriodError(f"The date {quoted!r} is not of the form YYYY-MM-DD.")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise PeriodError(f"The date {quoted!r} does not exist: {error}.") from error


def parse_moment(text: str) -> datetime:
    """Return the aware moment that an ISO 8601 text names, or raise PeriodError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise PeriodError(f"The moment {text!r} is not an ISO 8601 date and time.") from error
    if moment.tzinfo is None:
        raise PeriodError(f"The moment {text!r} has no time zone; append Z or an offset.")
    return moment
