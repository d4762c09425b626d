"""From ages and a day to the first day that is kept, and to what a stored day still serves."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

from analytics_scheduler.periods import Calendar, Period
from analytics_scheduler.setting_parsers import Age
from analytics_scheduler.settings import RetentionSettings
from analytics_scheduler.vocabulary import PeriodType

_MONTHS_A_YEAR = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutoffs:
    """The first period end that is kept of each kind, None where all are kept."""

    today: date
    daily: date | None
    weekly: date | None
    monthly: date | None

    def of(self, period_type: PeriodType) -> date | None:
        """Return the first period end that is kept of a kind."""
        return {"daily": self.daily, "weekly": self.weekly, "monthly": self.monthly}[
            period_type.value
        ]

    def keeps(self, period: Period) -> bool:
        """Tell whether a row of this period would still be kept."""
        cutoff = self.of(period.period_type)
        return cutoff is None or period.end >= cutoff


def cutoffs_at(settings: RetentionSettings, today: date) -> Cutoffs:
    """Return what is kept on a day: a row goes when its period ended more than its age ago."""
    return Cutoffs(
        today=today,
        daily=first_kept_day(settings.daily, today),
        weekly=first_kept_day(settings.weekly, today),
        monthly=first_kept_day(settings.monthly, today),
    )


def first_kept_day(age: Age | None, today: date) -> date | None:
    """Return the day that lies an age before today; None for forever.

    A month or a year back is the same day of that month, or its last where it is shorter.
    """
    if age is None:
        return None
    try:
        if age.unit in ("day", "week"):
            return today - timedelta(days=age.count * (7 if age.unit == "week" else 1))
        return _months_before(today, age.count * (_MONTHS_A_YEAR if age.unit == "year" else 1))
    except OverflowError:
        return date.min


def _months_before(day: date, months: int) -> date:
    number = day.year * _MONTHS_A_YEAR + day.month - 1 - months
    year, month = divmod(number, _MONTHS_A_YEAR)
    if year < 1:
        return date.min
    last = monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def periods_served(
    calendar: Calendar, day: date, cutoffs: Cutoffs
) -> tuple[Period | None, Period | None]:
    """Return the week and the month that a day serves, None where its row would be pruned."""
    week = calendar.period_containing(PeriodType.WEEKLY, day)
    month = calendar.period_containing(PeriodType.MONTHLY, day)
    return (week if cutoffs.keeps(week) else None, month if cutoffs.keeps(month) else None)
