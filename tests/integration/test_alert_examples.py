"""The documented bodies of alerts are those that are sent, and the documented notifiers load.

Each event is caused for real. Apart from ids and times, an example contains nothing that was not
sent.
"""

from __future__ import annotations

import json
import re
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection
from tests.support.inventory import Inventory
from tests.support.markdown import README, table_headed
from tests.support.task_runs import TaskRuns
from tests.support.webhook_receiver import MONITORING_PAGE, WebhookReceiver, code_with

from analytics_scheduler.cli import main
from analytics_scheduler.settings import DatabaseSettings
from analytics_scheduler.vocabulary import AlertEvent

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
_REPLACED = (
    (re.compile(r"(scheduled|manual|cli|test)__[^\"]*"), "RUN"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "ID"),
    (re.compile(r"[0-9-]{10}T[0-9:]{8}(\.[0-9]+)?\+00:00"), "TIME"),
    (re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}"), "DAY"),
)


def plain(body: Any) -> Any:
    """Return a body with its runs, ids, times and days replaced by words."""
    text = json.dumps(body)
    for pattern, word in _REPLACED:
        text = pattern.sub(word, text)
    return json.loads(text)


def is_within(part: Any, whole: Any) -> bool:
    """Return whether everything in one JSON value is in another."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and is_within(part[name], whole[name]) for name in part)
    return bool(part == whole)


@pytest.fixture
def sent(
    environment: None,
    receiver: WebhookReceiver,
    connection: Connection[Any],
    database_settings: DatabaseSettings,
) -> dict[str, Any]:
    """Give the last body of each event, after each was caused as in the examples."""
    inventory, runs = Inventory(connection), TaskRuns(connection, database_settings)
    succeed_and_miss_one(inventory)
    fail(runs)
    fall_behind(runs)
    inventory.execute("UPDATE locations SET is_active = name <> 'Bad'")
    assert run_daily(inventory) == 0
    assert main(["webhook-test"]) == 0
    daily = [body for body in receiver.accepted if body["task"] in {"daily-snapshot", None}]
    return {body["event"]: body for body in daily}


def succeed_and_miss_one(inventory: Inventory) -> None:
    inventory.location("North")
    inventory.location("South")
    assert run_daily(inventory) == 0
    bad, milk = inventory.location("Bad"), inventory.product()
    inventory.move(bad, milk, "theft", 1, f"{YESTERDAY}T12:00")
    assert run_daily(inventory) == 1
    inventory.execute("DELETE FROM stock_movements")
    inventory.execute("DELETE FROM analytics_snapshot_alerts")


def run_daily(inventory: Inventory) -> int:
    """Take the daily snapshot as if no day had been stored."""
    for table in ("analytics_snapshots", "analytics_snapshot_days"):
        inventory.execute(f"DELETE FROM {table}")
    return main(["run", "daily"])


def fail(runs: TaskRuns) -> None:
    runs.record(
        "failed",
        run_id="scheduled__2026-03-12T02:00:00+00:00",
        reason="There is no table or view public.products.",
        failed_task="write_snapshots",
    )
    runs.send()


def fall_behind(runs: TaskRuns) -> None:
    """Make the last daily success three days old, and let `health` notice."""
    runs.execute("DELETE FROM analytics_snapshot_alerts")
    runs.install_long_ago()
    runs.execute(
        "UPDATE analytics_snapshot_runs SET finished_at = finished_at - interval '3 days',"
        " report = report || %s",
        json.dumps({"last_day": str(YESTERDAY - timedelta(days=3))}),
    )
    runs.record_all(but="daily-snapshot", last_day=YESTERDAY)
    assert main(["health"]) == 1


def documented() -> dict[str, Any]:
    blocks = re.findall(r"```json\n(.*?)```", MONITORING_PAGE.read_text(), re.DOTALL)
    bodies = [json.loads(block) for block in blocks]
    return {body["event"]: body for body in bodies}


def test_monitoring_examples_are_sent(sent: dict[str, Any]) -> None:
    examples = documented()
    assert list(examples) == AlertEvent.words()
    assert set(sent) == set(examples)
    for event, example in examples.items():
        assert list(example) == list(sent[event]), event
        assert is_within(plain(example), plain(sent[event])), (example, sent[event])
        assert bool(example["run"]) == bool(sent[event]["run"])


def test_readme_examples_are_sent(sent: dict[str, Any]) -> None:
    rows = table_headed(README.read_text(), "Event")
    assert [row[0] for row in rows] == AlertEvent.words()
    for event, _, example in rows:
        body = json.loads(example)
        assert body["event"] == event
        assert is_within(plain(body), plain(sent[event])), (body, sent[event])


def test_readme_dag_with_another_notifier_loads(tmp_path: Path, airflow_database: None) -> None:
    (tmp_path / "daily_snapshot.py").write_text(code_with("Notifier", README))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from airflow.dag_processing.dagbag import DagBag

        bag = DagBag(str(tmp_path))
    assert bag.import_errors == {}
    [dag] = bag.dags.values()
    notifiers: Any = dag.on_failure_callback
    assert [type(each).__name__ for each in notifiers] == ["SmtpNotifier"]
    assert not dag.on_success_callback
