"""`analytics-scheduler health` is green when all is well, and fails in every way that it can."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import Connection

from analytics_scheduler.cli import main
from analytics_scheduler.local.processes import free_port
from analytics_scheduler.run_records import record_run
from analytics_scheduler.settings import SCHEDULE_DEFAULTS, DatabaseSettings

TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)
SNAPSHOTS = ("daily-snapshot", "weekly-snapshot", "monthly-snapshot")


class Shop:
    """A database in which every task ran just now."""

    def __init__(self, connection: Connection[Any], settings: DatabaseSettings) -> None:
        self.connection, self.settings = connection, settings
        self.execute("UPDATE analytics_snapshot_migrations SET applied_at = '2020-01-01Z'")
        for task in SCHEDULE_DEFAULTS:
            self.record(task)

    def record(self, task: str, *, outcome: str = "success", last_day: object = YESTERDAY) -> None:
        report = {"first_day": last_day, "last_day": last_day} if task in SNAPSHOTS else {}
        record_run(
            self.connection,
            self.settings,
            task=task,
            run_id="test",
            outcome=outcome,
            started_at=datetime.now(UTC),
            report=report,
        )
        self.connection.commit()

    def execute(self, query: str, *values: object) -> None:
        self.connection.execute(query, values)
        self.connection.commit()

    def age(self, task: str, days: int) -> None:
        """Make a task's records so many days older, in time and in what they wrote."""
        self.execute(
            "UPDATE analytics_snapshot_runs SET finished_at = finished_at - %s * interval '1 day',"
            " report = CASE WHEN report ? 'last_day' THEN jsonb_set(report, '{last_day}',"
            " to_jsonb((report->>'last_day')::date - %s)) ELSE report END WHERE task = %s",
            days,
            days,
            task,
        )


@pytest.fixture
def shop(
    connection: Connection[Any],
    database_settings: DatabaseSettings,
    database_url: str,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Shop:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.delenv("AIRFLOW_CONN_ANALYTICS_CACHE", raising=False)
    return Shop(connection, database_settings)


def health(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    status = main(["health", "--json", *words])
    return status, json.loads(capsys.readouterr().out)


def test_all_is_well(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    status, answer = health(capsys)
    assert (status, answer["wrong"]) == (0, [])
    assert {name: task["pulse"] for name, task in answer["tasks"].items()} == dict.fromkeys(
        SCHEDULE_DEFAULTS, "fresh"
    )
    assert main(["health"]) == 0
    assert "daily-snapshot      fresh" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("task", "days"),
    [
        ("daily-snapshot", 2),
        ("weekly-snapshot", 14),
        ("monthly-snapshot", 63),
        ("cache-cleanup", 1),
        ("snapshot-retention", 2),
    ],
)
def test_a_task_that_stopped_is_overdue(
    shop: Shop, capsys: pytest.CaptureFixture[str], task: str, days: int
) -> None:
    shop.age(task, days)
    status, answer = health(capsys)
    assert status == 1
    assert [entry.split(":")[0] for entry in answer["wrong"]] == [f"{task} is overdue"]

    status, answer = health(capsys, "--paused", task)
    assert (status, answer["tasks"][task]["pulse"]) == (0, "paused")


def test_a_backfill_of_old_days_makes_no_task_fresh(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.age("daily-snapshot", 5)
    shop.record("daily-snapshot", last_day=TODAY - timedelta(days=3))
    status, answer = health(capsys)
    assert (status, answer["tasks"]["daily-snapshot"]["pulse"]) == (1, "overdue")

    shop.record("daily-snapshot")
    shop.record("daily-snapshot", last_day=TODAY - timedelta(days=40))
    assert health(capsys)[0] == 0


@pytest.mark.parametrize("outcome", ["failed", "partial"])
def test_a_run_that_missed_locations_is_no_success(
    shop: Shop, capsys: pytest.CaptureFixture[str], outcome: str
) -> None:
    shop.age("daily-snapshot", 5)
    shop.record("daily-snapshot", outcome=outcome)
    assert health(capsys)[0] == 1


def test_nothing_is_owed_from_before_the_package_came(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.execute("DELETE FROM analytics_snapshot_runs")
    assert health(capsys)[0] == 1
    shop.execute("UPDATE analytics_snapshot_migrations SET applied_at = now()")
    status, answer = health(capsys)
    assert status == 0
    assert {task["pulse"] for task in answer["tasks"].values()} == {"waiting"}


def test_schedules_and_their_switch_are_those_of_the_settings(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.age("cache-cleanup", 1)
    monkeypatch.setenv("SCHEDULE_CACHE_CLEANUP", "0 0 1 1 *")
    assert health(capsys)[0] == 0
    monkeypatch.delenv("SCHEDULE_CACHE_CLEANUP")
    assert health(capsys)[0] == 1
    monkeypatch.setenv("SCHEDULER_ENABLED", "false")
    assert health(capsys)[0] == 0


def test_a_database_that_is_away_is_unhealthy_and_no_password_is_shown(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://u:hidden@127.0.0.1:{free_port()}/none")
    status, answer = health(capsys)
    assert status == 1
    assert "cannot be reached" in answer["database"]
    assert "hidden" not in str(answer)


def test_a_database_without_the_migrations_is_unhealthy(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.execute("DELETE FROM analytics_snapshot_migrations")
    status, answer = health(capsys)
    assert status == 1
    assert "analytics-scheduler migrate" in answer["database"]


def test_a_cache_that_is_away_is_unhealthy_and_one_that_is_none_is_not(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://:hidden@127.0.0.1:{free_port()}/0")
    status, answer = health(capsys)
    assert status == 1
    assert "cannot be reached" in answer["cache"]
    assert "hidden" not in str(answer)

    shop.execute("DELETE FROM analytics_snapshot_runs WHERE task = 'cache-cleanup'")
    monkeypatch.delenv("REDIS_URL")
    status, answer = health(capsys)
    assert (status, answer["cache"]) == (0, "not configured")


@pytest.mark.parametrize("variable", ["SCHEDULE_DAILY_SNAPSHOT", "SCHEDULER_TIMEZONE"])
def test_a_setting_that_cannot_be_read_is_unhealthy(
    shop: Shop,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    monkeypatch.setenv(variable, "whenever")
    status, answer = health(capsys)
    assert status == 1
    assert variable in answer["database"]


def test_airflow_is_not_loaded(shop: Shop) -> None:
    words = (
        "import sys; from analytics_scheduler.cli import main; status = main(['health']);"
        "sys.exit(9 if 'airflow' in sys.modules else status)"
    )
    assert subprocess.run([sys.executable, "-c", words], check=False).returncode == 0
