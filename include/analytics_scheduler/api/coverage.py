"""How much of the last periods is written: active locations against the rows that are there."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from analytics_scheduler.api.probes import api_database_settings
from analytics_scheduler.database import connected, statement
from analytics_scheduler.errors import AnalyticsError
from analytics_scheduler.periods import Calendar, Period
from analytics_scheduler.settings import CalendarSettings
from analytics_scheduler.vocabulary import PeriodType

_PERIODS_SHOWN = {PeriodType.DAILY: 7, PeriodType.WEEKLY: 4, PeriodType.MONTHLY: 3}


def last_periods(calendar: Calendar, now: datetime) -> list[Period]:
    """Return the last complete periods of every period, the newest of each first."""
    periods: list[Period] = []
    for period_type, count in _PERIODS_SHOWN.items():
        period = calendar.last_complete_period(period_type, now)
        for _ in range(count):
            periods.append(period)
            period = calendar.period_containing(period_type, period.start - timedelta(days=1))
    return periods


def coverage_of_periods(*, now: datetime) -> dict[str, Any]:
    """Return expected and written locations of the last periods, or why they cannot be counted."""
    try:
        periods = last_periods(CalendarSettings.load().calendar(), now)
        counts = _counts(periods)
    except AnalyticsError as error:
        return {"error": str(error)}
    return {
        period_type.value: [
            {
                "period_start": period.start.isoformat(),
                "period_end": period.end.isoformat(),
                "expected": expected,
                "written": written,
            }
            for period, (expected, written) in zip(periods, counts, strict=True)
            if period.period_type is period_type
        ]
        for period_type in _PERIODS_SHOWN
    }


def _counts(periods: list[Period]) -> list[tuple[int, int]]:
    settings = api_database_settings()
    with connected(settings, through_airflow=True) as connection:
        rows = connection.execute(
            statement("read_coverage", settings),
            {
                "period_types": [period.period_type.value for period in periods],
                "period_starts": [period.start for period in periods],
            },
        ).fetchall()
    return [(row[2], row[3]) for row in rows]
