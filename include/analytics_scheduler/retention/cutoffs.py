"""Which snapshots are kept on a day, and which of them a week or month still has to read."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import assert_never

from analytics_scheduler.periods import Calendar, Period
from analytics_scheduler.setting_parsers import Age
from analytics_scheduler.settings import RetentionSettings
from analytics_scheduler.vocabulary import PeriodType

_MONTHS_A_YEAR = 12
_DAYS_A_WEEK = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutoffs:
    """What is kept on the day `today`.

    `first_kept` has the first period end that is kept of each period type; None keeps all.
    """

    today: date
    first_kept: Mapping[PeriodType, date | None]

    def keeps(self, period: Period) -> bool:
        """Tell whether a snapshot of this period is kept."""
        cutoff = self.first_kept[period.period_type]
        return cutoff is None or period.end >= cutoff


def cutoffs_at(settings: RetentionSettings, today: date) -> Cutoffs:
    """Return what is kept on a day, by the settings."""
    return Cutoffs(
        today=today,
        first_kept={
            period_type: first_kept_day(age_of(settings, period_type), today)
            for period_type in PeriodType
        },
    )


def age_of(settings: RetentionSettings, period_type: PeriodType) -> Age | None:
    """Return how long snapshots of a period type are kept; None is forever."""
    match period_type:
        case PeriodType.DAILY:
            return settings.daily
        case PeriodType.WEEKLY:
            return settings.weekly
        case PeriodType.MONTHLY:
            return settings.monthly
    assert_never(period_type)


def first_kept_day(age: Age | None, today: date) -> date | None:
    """Return the day that lies an age before today; None for forever.

    A month or a year back is the same day of that month, or its last day if that month is shorter.
    An age that goes back beyond the first day that Python knows gives that day.
    """
    if age is None:
        return None
    try:
        match age.unit:
            case "day":
                return today - timedelta(days=age.count)
            case "week":
                return today - timedelta(days=age.count * _DAYS_A_WEEK)
            case "month":
                return _months_before(today, age.count)
            case "year":
                return _months_before(today, age.count * _MONTHS_A_YEAR)
            case _:
                raise ValueError(f"An age has the unit day, week, month or year, got {age.unit!r}.")
    except OverflowError:
        return date.min


def _months_before(day: date, months: int) -> date:
    months_since_year_0 = day.year * _MONTHS_A_YEAR + day.month - 1 - months
    year, month_index = divmod(months_since_year_0, _MONTHS_A_YEAR)
    if year < 1:
        return date.min
    last_day = monthrange(year, month_index + 1)[1]
    return date(year, month_index + 1, min(day.day, last_day))


def periods_to_compose(calendar: Calendar, day: date, cutoffs: Cutoffs) -> list[Period]:
    """Return the longer periods that have to be composed before a day may be deleted.

    A period that would itself be deleted is left out.
    """
    periods = [calendar.period_containing(each, day) for each in PeriodType.longer()]
    return [period for period in periods if cutoffs.keeps(period)]
