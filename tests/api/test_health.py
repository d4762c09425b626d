"""The health of the database, the cache and every task."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.support.api_client import Client

from analytics_scheduler.settings import SCHEDULE_DEFAULTS

NOW = datetime.now(UTC)
A_MINUTE_AGO = NOW - timedelta(minutes=1)
YESTERDAY = NOW.date() - timedelta(days=1)
OTHER = "monthly-snapshot"


def pulse_of(client: Client, task: str) -> str:
    answer = client.get("/health").json()
    return str(answer["data"]["tasks"][task]["pulse"])


def test_health_of_a_healthy_airflow(either_surface: Client) -> None:
    either_surface.set_first_seen(NOW - timedelta(days=40))
    either_surface.add_run_of_every_task(A_MINUTE_AGO)

    answer = either_surface.get("/health")

    assert answer.status == 200, answer.body
    data = answer.json()["data"]
    assert data["status"] == "healthy"
    assert data["database"]["state"] == data["cache"]["state"] == "ok"
    assert {task["pulse"] for task in data["tasks"].values()} == {"fresh"}
    assert set(data["tasks"]) == {*SCHEDULE_DEFAULTS, "business-hour-snapshot"}


def test_health_with_an_overdue_task(either_surface: Client) -> None:
    either_surface.set_first_seen(NOW - timedelta(days=40))
    either_surface.add_run_of_every_task(A_MINUTE_AGO)
    either_surface.metadata("DELETE FROM dag_run WHERE dag_id = 'daily-snapshot'")
    either_surface.add_run("daily-snapshot", NOW - timedelta(days=3))

    answer = either_surface.get("/health")

    assert answer.status == 503
    assert answer.json()["success"] is False
    assert answer.json()["error"] == "Unhealthy: daily-snapshot is overdue"
    assert answer.json()["data"]["tasks"]["daily-snapshot"]["pulse"] == "overdue"


def test_failed_and_backfilled_runs_do_not_count(simple_client: Client) -> None:
    simple_client.set_first_seen(NOW - timedelta(days=40))
    simple_client.add_run_of_every_task(A_MINUTE_AGO)
    simple_client.metadata("DELETE FROM dag_run WHERE dag_id = 'daily-snapshot'")
    simple_client.add_run("daily-snapshot", NOW - timedelta(days=9), run_type="backfill")
    simple_client.add_run("daily-snapshot", NOW, run_type="manual", conf='{"date": "2026-01-15"}')
    simple_client.add_run("daily-snapshot", NOW - timedelta(minutes=1), state="failed")

    assert pulse_of(simple_client, "daily-snapshot") == "overdue"


def test_manual_run_for_the_due_period_counts(simple_client: Client) -> None:
    simple_client.set_first_seen(NOW - timedelta(days=40))
    simple_client.add_run_of_every_task(A_MINUTE_AGO)
    simple_client.metadata("DELETE FROM dag_run WHERE dag_id = 'daily-snapshot'")
    simple_client.add_run(
        "daily-snapshot", NOW, run_type="manual", conf=f'{{"date": "{YESTERDAY}"}}'
    )

    assert pulse_of(simple_client, "daily-snapshot") == "fresh"


def test_paused_and_new_tasks_are_not_overdue(simple_client: Client) -> None:
    simple_client.set_first_seen(NOW - timedelta(days=40))
    simple_client.add_run_of_every_task(A_MINUTE_AGO)
    simple_client.metadata("DELETE FROM dag_run WHERE dag_id IN (?, ?)", "daily-snapshot", OTHER)
    simple_client.metadata("UPDATE dag SET is_paused = 1 WHERE dag_id = 'daily-snapshot'")
    simple_client.set_first_seen(NOW, OTHER)

    assert simple_client.get("/health").status == 200
    assert pulse_of(simple_client, "daily-snapshot") == "paused"
    assert pulse_of(simple_client, OTHER) == "waiting"


def test_health_with_missing_and_broken_dags(simple_client: Client) -> None:
    simple_client.set_first_seen(NOW - timedelta(days=40))
    simple_client.add_run_of_every_task(A_MINUTE_AGO)
    simple_client.metadata("UPDATE dag SET is_stale = 1 WHERE dag_id = 'cache-cleanup'")
    simple_client.metadata("UPDATE dag SET has_import_errors = 1 WHERE dag_id = ?", OTHER)

    answer = simple_client.get("/health")

    assert answer.status == 503
    assert "cache-cleanup is missing" in answer.json()["error"]
    assert "monthly-snapshot is broken" in answer.json()["error"]
