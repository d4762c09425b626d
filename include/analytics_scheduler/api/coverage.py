"""How many of the active locations have their snapshot of the last complete periods."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from psycopg.rows import dict_row

from analytics_scheduler.api.snapshot_database import snapshot_queries
from analytics_scheduler.errors import AnalyticsError
from analytics_scheduler.periods import Calendar, Period
from analytics_scheduler.settings import CalendarSettings
from analytics_scheduler.vocabulary import PeriodType

_PERIODS_COVERED = {PeriodType.DAILY: 7, PeriodType.WEEKLY: 4, PeriodType.MONTHLY: 3}

COVERAGE_EXAMPLE: Mapping[str, Any] = {
    "daily": [
        {
            "period_start": "2026-11-22",
            "period_end": "2026-11-22",
            "expected": 120,
            "written": 120,
        }
    ],
    "weekly": [],
    "monthly": [],
}


def read_coverage(*, now: datetime) -> dict[str, Any]:
    """Return the last periods by type, the newest first, with expected and written locations.

    If the database cannot be read, the answer is `{"error": "<the reason>"}`.
    """
    try:
        periods = last_periods(CalendarSettings.load().calendar(), now)
        counts = _count_locations(periods)
    except AnalyticsError as error:
        return {"error": str(error)}
    coverage: dict[str, Any] = {word: [] for word in PeriodType.words()}
    for period, count in zip(periods, counts, strict=True):
        dates = {"period_start": str(period.start), "period_end": str(period.end)}
        coverage[period.period_type.value].append({**dates, **count})
    return coverage


def last_periods(calendar: Calendar, now: datetime) -> list[Period]:
    """Return the last complete periods of each type, the newest of a type first."""
    periods: list[Period] = []
    for period_type in PeriodType:
        period = calendar.last_complete_period(period_type, now)
        for _ in range(_PERIODS_COVERED[period_type]):
            periods.append(period)
            period = calendar.period_containing(period_type, period.start - timedelta(days=1))
    return periods


def _count_locations(periods: list[Period]) -> list[dict[str, int]]:
    with snapshot_queries() as queries:
        return queries.run(
            "read_coverage",
            row_factory=dict_row,
            period_types=[period.period_type.value for period in periods],
            period_starts=[period.start for period in periods],
        ).fetchall()
