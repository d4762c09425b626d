"""Alerts of real runs: Airflow runs the DAGs, and a receiver on loopback takes their alerts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import Connection
from tests.support.dag_runs import DAGS, load_dag, run_dag, warnings_of_airflow_ignored
from tests.support.inventory import Inventory
from tests.support.webhook_receiver import WebhookReceiver

from analytics_scheduler.local.processes import free_port
from analytics_scheduler.orchestration.callbacks import WebhookNotifier, record_failure
from analytics_scheduler.orchestration.schedules import StoredSchedule, variable_key
from analytics_scheduler.settings import SCHEDULE_DEFAULTS

NIGHT = datetime(2026, 6, 1, 2, 0, 30, tzinfo=UTC)


@pytest.fixture
def inventory(environment: None, connection: Connection[Any]) -> Inventory:
    inventory = Inventory(connection)
    inventory.location("North")
    return inventory


@pytest.fixture
def installed_long_ago(inventory: Inventory) -> None:
    """Make every task overdue that no test has run."""
    for task in SCHEDULE_DEFAULTS:
        if task != "cache-cleanup":
            load_dag(task)
    inventory.execute("UPDATE analytics_snapshot_migrations SET applied_at = '2020-01-01Z'")


def records(inventory: Inventory) -> list[tuple[Any, ...]]:
    """Return the outcome, the failed task and the reason of each recorded run."""
    return inventory.rows(
        "SELECT outcome, report->>'failed_task', report->>'reason' FROM analytics_snapshot_runs"
        " ORDER BY id"
    )


def test_failed_run_is_recorded_with_its_reason(
    inventory: Inventory, receiver: WebhookReceiver
) -> None:
    inventory.execute("ALTER TABLE products RENAME TO goods")
    states = run_dag("daily-snapshot", NIGHT)
    assert states == {"write_snapshots": "failed"}

    [(outcome, failed_task, reason)] = records(inventory)
    assert (outcome, failed_task) == ("failed", "write_snapshots")
    assert "products" in reason
    assert receiver.events == [("failure", "daily-snapshot")]
    assert receiver.accepted[0]["message"] == f"daily-snapshot failed: {reason}"

    run_dag("daily-snapshot", NIGHT + timedelta(days=1))
    assert len(records(inventory)) == 2
    assert len(receiver.events) == 1, "the next night belongs to the same incident"

    inventory.execute("ALTER TABLE goods RENAME TO products")
    run_dag("daily-snapshot", NIGHT + timedelta(days=2))
    assert sorted(receiver.events[1:]) == [
        ("recovered", "daily-snapshot"),
        ("success", "daily-snapshot"),
    ]


def test_missing_location_causes_one_partial_alert(
    inventory: Inventory, receiver: WebhookReceiver
) -> None:
    bad, milk = inventory.location("Bad"), inventory.product()
    inventory.move(bad, milk, "theft", 1, "2026-06-03T12:00")
    run_dag("daily-snapshot", NIGHT + timedelta(days=3))
    assert receiver.events == [("partial", "daily-snapshot")]
    assert f"Bad [{bad}]" in receiver.accepted[0]["message"]
    assert [outcome for outcome, *_ in records(inventory)] == ["partial"]


class _Run:
    """As much of a DAG run as a callback reads."""

    run_type = "manual"
    logical_date = None
    run_after = datetime.now(UTC)
    start_date = datetime.now(UTC)


def test_killed_task_is_recorded_once(inventory: Inventory, receiver: WebhookReceiver) -> None:
    """The callback of a killed task gets no exception, and may be called twice."""
    dag = load_dag("daily-snapshot")
    context: Any = {
        "dag": dag,
        "run_id": "scheduled__killed",
        "dag_run": _Run(),
        "ti": dag.get_task("write_snapshots"),
        "exception": None,
    }
    for _ in range(2):
        record_failure(context)
    WebhookNotifier()({**context, "reason": "task_failure"})
    [(outcome, failed_task, reason)] = records(inventory)
    assert (outcome, failed_task) == ("failed", "write_snapshots")
    assert "stopped from outside" in reason
    assert receiver.events == [("failure", "daily-snapshot")]


def test_notifier_records_a_run_without_record(
    inventory: Inventory, receiver: WebhookReceiver
) -> None:
    dag = load_dag("weekly-snapshot")
    WebhookNotifier()({"dag": dag, "run_id": "manual__x", "reason": "all_tasks_deadlocked"})
    assert records(inventory) == [("failed", None, "the run ended as all_tasks_deadlocked")]
    assert receiver.events == [("failure", "weekly-snapshot")]


def test_failure_without_database_is_sent_unstored(
    inventory: Inventory, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        away.setenv("DATABASE_URL", f"postgresql://u:hidden@127.0.0.1:{free_port()}/none")
        states = run_dag("daily-snapshot", NIGHT + timedelta(days=4))
    assert states == {"write_snapshots": "failed"}
    assert receiver.events == [("failure", "daily-snapshot")]
    [body] = receiver.accepted
    assert "cannot be reached" in body["message"]
    assert "hidden" not in str(body)
    assert records(inventory) == []


def test_no_task_fails_without_a_receiver(
    inventory: Inventory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHEDULER_WEBHOOK_URL", f"http://127.0.0.1:{free_port()}/hook")
    assert set(run_dag("daily-snapshot", NIGHT + timedelta(days=5)).values()) == {"success"}
    monkeypatch.setenv("SCHEDULER_WEBHOOK_URL", "no address at all")
    assert set(run_dag("daily-snapshot", NIGHT + timedelta(days=6)).values()) == {"success"}
    assert [outcome for outcome, *_ in records(inventory)] == ["success", "success"]


@pytest.mark.usefixtures("inventory")
def test_cleanup_and_retention_send_alerts(
    receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_dag("cache-cleanup", NIGHT + timedelta(days=7))
    run_dag("snapshot-retention", NIGHT + timedelta(days=7))
    assert receiver.events == [("success", "cache-cleanup"), ("success", "snapshot-retention")]
    monkeypatch.setenv("RETENTION_DAILY", "some time")
    run_dag("snapshot-retention", NIGHT + timedelta(days=8))
    assert receiver.events[2:] == [("failure", "snapshot-retention")]
    assert "RETENTION_DAILY" in receiver.accepted[2]["message"]


@pytest.mark.usefixtures("installed_long_ago")
def test_run_reports_other_overdue_tasks(receiver: WebhookReceiver) -> None:
    _pause("weekly-snapshot")
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


def _pause(dag_id: str, *, is_paused: bool = True) -> None:
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session

    with create_session() as session:
        model = session.get(DagModel, dag_id)
        assert model is not None
        model.is_paused = is_paused


@pytest.mark.usefixtures("installed_long_ago")
def test_changed_schedule_decides_what_is_overdue(receiver: WebhookReceiver) -> None:
    from airflow.models.variable import Variable

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


def test_every_dag_has_a_replaceable_notifier() -> None:
    for file in DAGS.glob("*.py"):
        dag = load_dag(file.stem.replace("_", "-"))
        assert isinstance(dag.on_failure_callback, WebhookNotifier)
        assert isinstance(dag.on_success_callback, WebhookNotifier)
