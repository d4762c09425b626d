"""`analytics-scheduler health`: healthy when everything works, and every way to be unhealthy."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import Connection
from tests.support.task_runs import TaskRuns

from analytics_scheduler.cli import main
from analytics_scheduler.local.processes import free_port
from analytics_scheduler.settings import SCHEDULE_DEFAULTS, DatabaseSettings

TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture
def runs(
    named_servers: None,
    connection: Connection[Any],
    database_settings: DatabaseSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> TaskRuns:
    """Give a database in which every task has just succeeded."""
    monkeypatch.delenv("AIRFLOW_CONN_ANALYTICS_CACHE", raising=False)
    runs = TaskRuns(connection, database_settings)
    runs.install_long_ago()
    runs.record_all(last_day=YESTERDAY)
    return runs


def health(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    status = main(["health", "--json", *words])
    return status, json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("runs")
def test_health_is_good(capsys: pytest.CaptureFixture[str]) -> None:
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
def test_stopped_task_is_overdue(
    runs: TaskRuns, capsys: pytest.CaptureFixture[str], task: str, days: int
) -> None:
    runs.age(task, days)
    status, answer = health(capsys)
    assert status == 1
    assert [entry.split(":")[0] for entry in answer["wrong"]] == [f"{task} is overdue"]

    status, answer = health(capsys, "--paused", task)
    assert (status, answer["tasks"][task]["pulse"]) == (0, "paused")


def test_backfill_makes_no_task_fresh(runs: TaskRuns, capsys: pytest.CaptureFixture[str]) -> None:
    runs.age("daily-snapshot", 5)
    runs.record(last_day=TODAY - timedelta(days=3))
    status, answer = health(capsys)
    assert (status, answer["tasks"]["daily-snapshot"]["pulse"]) == (1, "overdue")

    runs.record(last_day=YESTERDAY)
    runs.record(last_day=TODAY - timedelta(days=40))
    assert health(capsys)[0] == 0


@pytest.mark.parametrize("outcome", ["failed", "partial"])
def test_incomplete_run_makes_no_task_fresh(
    runs: TaskRuns, capsys: pytest.CaptureFixture[str], outcome: str
) -> None:
    runs.age("daily-snapshot", 5)
    runs.record(outcome, last_day=YESTERDAY)
    assert health(capsys)[0] == 1


def test_nothing_is_due_from_before_installation(
    runs: TaskRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.execute("DELETE FROM analytics_snapshot_runs")
    assert health(capsys)[0] == 1
    runs.execute("UPDATE analytics_snapshot_migrations SET applied_at = now()")
    status, answer = health(capsys)
    assert status == 0
    assert {task["pulse"] for task in answer["tasks"].values()} == {"waiting"}


def test_schedule_settings_decide_what_is_due(
    runs: TaskRuns, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.age("cache-cleanup", 1)
    monkeypatch.setenv("SCHEDULE_CACHE_CLEANUP", "0 0 1 1 *")
    assert health(capsys)[0] == 0
    monkeypatch.delenv("SCHEDULE_CACHE_CLEANUP")
    assert health(capsys)[0] == 1
    monkeypatch.setenv("SCHEDULER_ENABLED", "false")
    assert health(capsys)[0] == 0


@pytest.mark.usefixtures("runs")
def test_unreachable_database_is_unhealthy(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://u:hidden@127.0.0.1:{free_port()}/none")
    status, answer = health(capsys)
    assert status == 1
    assert "cannot be reached" in answer["database"]
    assert "hidden" not in str(answer)


def test_database_without_migrations_is_unhealthy(
    runs: TaskRuns, capsys: pytest.CaptureFixture[str]
) -> None:
    runs.execute("DELETE FROM analytics_snapshot_migrations")
    status, answer = health(capsys)
    assert status == 1
    assert "analytics-scheduler migrate" in answer["database"]


def test_cache_is_checked_only_if_configured(
    runs: TaskRuns, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://:hidden@127.0.0.1:{free_port()}/0")
    status, answer = health(capsys)
    assert status == 1
    assert "cannot be reached" in answer["cache"]
    assert "hidden" not in str(answer)

    runs.execute("DELETE FROM analytics_snapshot_runs WHERE task = 'cache-cleanup'")
    monkeypatch.delenv("REDIS_URL")
    status, answer = health(capsys)
    assert (status, answer["cache"]) == (0, "not configured")
    assert "cache-cleanup" not in answer["tasks"]


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("variable", ["SCHEDULE_DAILY_SNAPSHOT", "SCHEDULER_TIMEZONE"])
def test_invalid_setting_is_unhealthy(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "whenever")
    status, answer = health(capsys)
    assert status == 1
    assert variable in answer["database"]


@pytest.mark.usefixtures("runs")
def test_health_does_not_import_airflow() -> None:
    code = (
        "import sys; from analytics_scheduler.cli import main; status = main(['health']);"
        "sys.exit(9 if 'airflow' in sys.modules else status)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
