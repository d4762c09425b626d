"""Alerts of real runs: Airflow runs the DAGs, a receiver on loopback takes what they tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import Connection
from tests.support.dag_runs import DAGS, load_dag, run_dag, warnings_of_airflow_ignored
from tests.support.inventory import Inventory
from tests.support.webhook_receiver import Received

from analytics_scheduler.local.processes import free_port
from analytics_scheduler.orchestration import callbacks as alerts
from analytics_scheduler.orchestration.schedules import StoredSchedule, variable_key

NIGHT = datetime(2026, 6, 1, 2, 0, 30, tzinfo=UTC)


@pytest.fixture
def inventory(environment: None, connection: Connection[Any]) -> Inventory:
    found = Inventory(connection)
    found.location("North")
    return found


def records(inventory: Inventory) -> list[tuple[Any, ...]]:
    rows = inventory.connection.execute(
        "SELECT outcome, report->>'failed_task', report->>'reason' FROM analytics_snapshot_runs"
        " ORDER BY id"
    ).fetchall()
    inventory.connection.rollback()
    return rows


def test_a_run_that_fails_before_it_writes_is_recorded_and_told_with_its_reason(
    inventory: Inventory, receiver: Received
) -> None:
    inventory.connection.execute("ALTER TABLE products RENAME TO goods")
    inventory.connection.commit()
    states = run_dag("daily-snapshot", NIGHT)
    assert (states["plan_shards"], states["confirm_snapshots"]) == ("failed", "failed")

    ((outcome, failed_task, reason),) = records(inventory)
    assert (outcome, failed_task) == ("failed", "plan_shards")
    assert "products" in reason
    assert receiver.events == [("failure", "daily-snapshot")]
    assert receiver.accepted[0]["message"] == f"daily-snapshot failed: {reason}"

    run_dag("daily-snapshot", NIGHT + timedelta(days=1))
    assert len(records(inventory)) == 2
    assert len(receiver.events) == 1, "the next night belongs to the same incident"

    inventory.connection.execute("ALTER TABLE goods RENAME TO products")
    inventory.connection.commit()
    run_dag("daily-snapshot", NIGHT + timedelta(days=2))
    assert sorted(receiver.events[1:]) == [
        ("recovered", "daily-snapshot"),
        ("success", "daily-snapshot"),
    ]


def test_a_run_that_misses_a_location_is_told_once_as_partial(
    inventory: Inventory, receiver: Received
) -> None:
    bad, milk = inventory.location("Bad"), inventory.product()
    inventory.move(bad, milk, "theft", 1, "2026-06-03T12:00")
    run_dag("daily-snapshot", NIGHT + timedelta(days=3))
    assert receiver.events == [("partial", "daily-snapshot")]
    assert f"Bad [{bad}]" in receiver.accepted[0]["message"]
    assert [outcome for outcome, *_ in records(inventory)] == ["partial"]


def test_a_run_that_is_killed_is_told_too(inventory: Inventory, receiver: Received) -> None:
    """A killed task's callback has no exception, and may be called a second time."""
    dag = load_dag("daily-snapshot")
    plan = dag.get_task("plan_shards")
    context = {
        "dag": dag,
        "run_id": "scheduled__killed",
        "dag_run": None,
        "ti": type("Gone", (), {"task_id": plan.task_id}),
        "exception": None,
    }
    for _ in range(2):
        alerts.note_failure({**context, "dag_run": _Run()})
    alerts.WebhookNotifier()({**context, "dag_run": _Run(), "reason": "task_failure"})
    ((outcome, failed_task, reason),) = records(inventory)
    assert (outcome, failed_task) == ("failed", "plan_shards")
    assert "stopped from outside" in reason
    assert receiver.events == [("failure", "daily-snapshot")]


class _Run:
    run_type = "manual"
    logical_date = None
    run_after = datetime.now(UTC)
    start_date = datetime.now(UTC)


def test_a_run_that_left_no_record_gets_one_from_the_notifier(
    inventory: Inventory, receiver: Received
) -> None:
    dag = load_dag("weekly-snapshot")
    alerts.WebhookNotifier()({"dag": dag, "run_id": "manual__x", "reason": "all_tasks_deadlocked"})
    assert records(inventory) == [("failed", None, "the run ended as all_tasks_deadlocked")]
    assert receiver.events == [("failure", "weekly-snapshot")]


def test_a_failure_while_the_database_is_away_is_sent_without_being_stored(
    inventory: Inventory, receiver: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        away.setenv("DATABASE_URL", f"postgresql://u:hidden@127.0.0.1:{free_port()}/none")
        states = run_dag("daily-snapshot", NIGHT + timedelta(days=4))
    assert states["plan_shards"] == "failed"
    assert receiver.events == [("failure", "daily-snapshot")]
    (body,) = receiver.accepted
    assert "cannot be reached" in body["message"]
    assert "hidden" not in str(body)
    assert records(inventory) == []


def test_no_task_fails_or_waits_when_the_receiver_is_away(
    inventory: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHEDULER_WEBHOOK_URL", f"http://127.0.0.1:{free_port()}/hook")
    assert set(run_dag("daily-snapshot", NIGHT + timedelta(days=5)).values()) == {"success"}
    monkeypatch.setenv("SCHEDULER_WEBHOOK_URL", "no address at all")
    assert set(run_dag("daily-snapshot", NIGHT + timedelta(days=6)).values()) == {"success"}
    assert [outcome for outcome, *_ in records(inventory)] == ["success", "success"]


@pytest.mark.usefixtures("inventory")
def test_the_other_dags_tell_of_themselves(
    receiver: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_dag("cache-cleanup", NIGHT + timedelta(days=7))
    run_dag("snapshot-retention", NIGHT + timedelta(days=7))
    assert receiver.events == [("success", "cache-cleanup"), ("success", "snapshot-retention")]
    monkeypatch.setenv("RETENTION_DAILY", "some time")
    run_dag("snapshot-retention", NIGHT + timedelta(days=8))
    assert receiver.events[2:] == [("failure", "snapshot-retention")]
    assert "RETENTION_DAILY" in receiver.accepted[2]["message"]


def test_overdue_tasks_are_told_by_a_run_of_another_unless_they_are_paused(
    inventory: Inventory, receiver: Received
) -> None:
    for task in ("daily-snapshot", "weekly-snapshot", "monthly-snapshot", "snapshot-retention"):
        load_dag(task)
    _pause("weekly-snapshot")
    inventory.connection.execute(
        "UPDATE analytics_snapshot_migrations SET applied_at = '2020-01-01Z'"
    )
    inventory.connection.commit()
    try:
        run_dag("cache-cleanup", NIGHT + timedelta(days=9))
    finally:
        _pause("weekly-snapshot", is_paused=False)
    assert sorted(receiver.events) == [
        ("overdue", "daily-snapshot"),
        ("overdue", "monthly-snapshot"),
        ("overdue", "snapshot-retention"),
        ("success", "cache-cleanup"),
    ]


def test_a_schedule_that_was_changed_at_run_time_is_the_one_that_counts(
    inventory: Inventory, receiver: Received
) -> None:
    from airflow.models.variable import Variable

    inventory.connection.execute(
        "UPDATE analytics_snapshot_migrations SET applied_at = '2020-01-01Z'"
    )
    inventory.connection.commit()
    for task in ("daily-snapshot", "weekly-snapshot", "monthly-snapshot", "snapshot-retention"):
        load_dag(task)
    yearly = StoredSchedule("0 0 1 1 *", "admin", datetime.now(UTC).isoformat())
    key = variable_key("daily-snapshot")
    with warnings_of_airflow_ignored():
        Variable.set(key, yearly.to_text())
    try:
        run_dag("cache-cleanup", NIGHT + timedelta(days=10))
    finally:
        with warnings_of_airflow_ignored():
            Variable.delete(key)
    assert ("overdue", "weekly-snapshot") in receiver.events
    assert ("overdue", "daily-snapshot") not in receiver.events


def _pause(dag_id: str, *, is_paused: bool = True) -> None:
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session

    with create_session() as session:
        model = session.get(DagModel, dag_id)
        assert model is not None
        model.is_paused = is_paused


def test_every_dag_has_a_notifier_that_a_user_can_replace() -> None:
    for file in DAGS.glob("*.py"):
        dag = load_dag(file.stem.replace("_", "-"))
        assert isinstance(dag.on_failure_callback, alerts.WebhookNotifier)
        assert isinstance(dag.on_success_callback, alerts.WebhookNotifier)
