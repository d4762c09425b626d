"""Which day is the first that is kept, and which week and month a day still serves."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from analytics_scheduler.errors import SettingError
from analytics_scheduler.periods import Calendar
from analytics_scheduler.retention import cutoffs_at, first_kept_day
from analytics_scheduler.retention.cutoffs import periods_served
from analytics_scheduler.setting_parsers import Age
from analytics_scheduler.settings import RetentionSettings

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
    ],
)
def test_an_age_is_counted_on_the_calendar(age: Age, today: str, kept_from: str) -> None:
    assert first_kept_day(age, date.fromisoformat(today)) == date.fromisoformat(kept_from)


def test_forever_has_no_cutoff() -> None:
    assert first_kept_day(None, date(2026, 6, 10)) is None


def test_a_day_serves_its_week_and_its_month() -> None:
    cutoffs = cutoffs_at(RetentionSettings.load({}), date(2026, 6, 10))
    week, month = periods_served(UTC_SUNDAY, date(2026, 3, 11), cutoffs)
    assert (str(week), str(month)) == ("2026-03-08..2026-03-14", "2026-03-01..2026-03-31")


def test_a_week_that_would_be_pruned_itself_is_not_served() -> None:
    settings = RetentionSettings.load({"RETENTION_WEEKLY": "1 month"})
    cutoffs = cutoffs_at(settings, date(2026, 6, 10))
    week, month = periods_served(UTC_SUNDAY, date(2026, 3, 11), cutoffs)
    assert week is None
    assert month is not None


@pytest.mark.parametrize("text", ["0", "-1 days", "0 days", "ninety", "90 d", "1.5 years", "never"])
def test_a_value_that_cannot_be_read_is_refused_by_name(text: str) -> None:
    with pytest.raises(SettingError, match=r"RETENTION_WEEKLY \(how long"):
        RetentionSettings.load({"RETENTION_WEEKLY": text})
