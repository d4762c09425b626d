"""The schedule that a DAG file gets, and the order in which tasks are listed."""

from __future__ import annotations

import logging

import pytest

from analytics_scheduler.errors import SettingError
from analytics_scheduler.orchestration.schedules import (
    DOCUMENTED_TASKS,
    RETENTION_TASK,
    StoredSchedule,
    in_documented_order,
    schedule_of,
)
from analytics_scheduler.settings import SCHEDULE_DEFAULTS
from analytics_scheduler.vocabulary import PeriodType

STORED = "AIRFLOW_VAR_ANALYTICS_SCHEDULER.SCHEDULE.DAILY-SNAPSHOT"


def test_every_period_type_has_a_schedule() -> None:
    assert {period_type.task for period_type in PeriodType} <= set(SCHEDULE_DEFAULTS)
    assert set(SCHEDULE_DEFAULTS) - set(DOCUMENTED_TASKS) == {RETENTION_TASK}


def expression_of(task: str = "daily-snapshot", default: str | None = None) -> str:
    timetable = schedule_of(task, default)
    assert timetable is not None
    return timetable.expression


def test_schedule_of_prefers_the_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert expression_of() == "0 2 * * *"

    monkeypatch.setenv("SCHEDULE_DAILY_SNAPSHOT", "0 30 3 * * *")
    assert expression_of() == "30 3 * * *"


def test_schedule_of_uses_the_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEDULER_TIMEZONE", "America/New_York")

    timetable = schedule_of("weekly-snapshot")

    assert timetable is not None
    assert timetable.timezone == "America/New_York"


def test_schedule_of_is_none_if_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEDULER_ENABLED", "false")

    assert schedule_of("daily-snapshot") is None


def test_schedule_of_prefers_a_stored_schedule(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SCHEDULE_DAILY_SNAPSHOT", "30 3 * * *")
    monkeypatch.setenv(STORED, StoredSchedule("15 4 * * *", "ada", "2026-11-24").to_text())

    assert expression_of() == "15 4 * * *"


def test_schedule_of_accepts_a_plain_cron_string(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(STORED, "0 0 5 * * *")

    assert expression_of() == "0 5 * * *"


@pytest.mark.parametrize(
    "stored",
    ["soon", "{}", "[]", "null", '{"schedule": 5}', '{"schedule": "61 * * * *"}', "{", "\u2028"],
)
def test_schedule_of_ignores_an_unreadable_value(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, stored: str
) -> None:
    monkeypatch.setenv(STORED, stored)

    with caplog.at_level(logging.WARNING):
        assert expression_of() == "0 2 * * *"

    assert "event=stored_schedule_passed_over task=daily-snapshot" in caplog.text


def test_invalid_setting_affects_one_dag_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEDULE_DAILY_SNAPSHOT", "30 0 2 * * *")

    with pytest.raises(SettingError, match=r"SCHEDULE_DAILY_SNAPSHOT .*got '30 0 2"):
        schedule_of("daily-snapshot")
    assert expression_of("weekly-snapshot") == "0 3 * * 0"


def test_schedule_of_takes_the_default_of_a_new_task(monkeypatch: pytest.MonkeyPatch) -> None:
    assert expression_of("end-of-day-report", "0 18 * * 1-5") == "0 18 * * 1-5"

    monkeypatch.setenv("SCHEDULE_END_OF_DAY_REPORT", "0 30 17 * * 1-5")
    assert expression_of("end-of-day-report", "0 18 * * 1-5") == "30 17 * * 1-5"
    with pytest.raises(SettingError, match="SCHEDULE_NEW_TASK"):
        schedule_of("new-task")


def test_documented_tasks_come_first() -> None:
    assert in_documented_order(
        ["zebra", "snapshot-retention", "monthly-snapshot", "aardvark", "daily-snapshot"]
    ) == ["daily-snapshot", "monthly-snapshot", "aardvark", "zebra"]
