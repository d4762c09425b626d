"""What is kept on a day, and which week and month a stored day has to wait for."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from analytics_scheduler.errors import SettingError
from analytics_scheduler.periods import Calendar
from analytics_scheduler.retention.cutoffs import (
    age_of,
    cutoffs_at,
    first_kept_day,
    periods_to_compose,
)
from analytics_scheduler.setting_parsers import Age
from analytics_scheduler.settings import RetentionSettings
from analytics_scheduler.vocabulary import PeriodType

TODAY = date(2026, 6, 10)
UTC_SUNDAY = Calendar(ZoneInfo("UTC"), 6)


@pytest.mark.parametrize(
    ("age", "today", "kept_from"),
    [
        (Age(90, "day"), "2026-06-10", "2026-03-12"),
        (Age(2, "week"), "2026-06-10", "2026-05-27"),
        (Age(1, "month"), "2026-03-31", "2026-02-28"),
        (Age(13, "month"), "2026-01-15", "2024-12-15"),
        (Age(1, "year"), "2024-02-29", "2023-02-28"),
        (Age(5, "year"), "2026-06-10", "2021-06-10"),
        (Age(100_000, "year"), "2026-06-10", "0001-01-01"),
        (Age(52, "week"), "2026-06-10", "2025-06-11"),
        (Age(100_000, "month"), "2026-06-10", "0001-01-01"),
        (Age(1_000_000, "day"), "2026-06-10", "0001-01-01"),
    ],
)
def test_first_kept_day(age: Age, today: str, kept_from: str) -> None:
    assert first_kept_day(age, date.fromisoformat(today)) == date.fromisoformat(kept_from)


def test_first_kept_day_forever() -> None:
    assert first_kept_day(None, TODAY) is None


def test_first_kept_day_unknown_unit() -> None:
    with pytest.raises(ValueError, match="got 'fortnight'"):
        first_kept_day(Age(1, "fortnight"), TODAY)


def test_age_of_each_period_type() -> None:
    settings = RetentionSettings.load({"RETENTION_DAILY": "3 days"})
    assert {period_type: age_of(settings, period_type) for period_type in PeriodType} == {
        PeriodType.DAILY: Age(3, "day"),
        PeriodType.WEEKLY: Age(2, "year"),
        PeriodType.MONTHLY: Age(5, "year"),
    }


def test_age_of_unknown_period_type() -> None:
    with pytest.raises(AssertionError):
        age_of(RetentionSettings.load({}), "hourly")  # type: ignore[arg-type]


def test_periods_to_compose() -> None:
    cutoffs = cutoffs_at(RetentionSettings.load({}), TODAY)
    periods = periods_to_compose(UTC_SUNDAY, date(2026, 3, 11), cutoffs)
    assert [str(period) for period in periods] == [
        "2026-03-08..2026-03-14",
        "2026-03-01..2026-03-31",
    ]


def test_periods_to_compose_expired_week() -> None:
    settings = RetentionSettings.load({"RETENTION_WEEKLY": "1 month"})
    cutoffs = cutoffs_at(settings, TODAY)
    [month] = periods_to_compose(UTC_SUNDAY, date(2026, 3, 11), cutoffs)
    assert month.period_type is PeriodType.MONTHLY


@pytest.mark.parametrize(
    "text", ["0", "-1 days", "0 days", "ninety", "90s", "7 s", "90 d", "1.5 years", "never"]
)
def test_invalid_age_names_the_setting(text: str) -> None:
    with pytest.raises(SettingError, match=r"RETENTION_WEEKLY \(how long"):
        RetentionSettings.load({"RETENTION_WEEKLY": text})
