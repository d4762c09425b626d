"""The documented bodies of alerts are what is really sent, and the documented notifiers load.

Each event is provoked; ids and moments apart, the examples hold nothing else than what arrived.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection
from tests.support.inventory import Inventory
from tests.support.markdown import README, table_headed
from tests.support.webhook_receiver import MONITORING_PAGE, Received, code_with, webhook_receiver

from analytics_scheduler.alerts.delivery import send_waiting
from analytics_scheduler.cli import main
from analytics_scheduler.run_records import record_run
from analytics_scheduler.settings import SCHEDULE_DEFAULTS, DatabaseSettings
from analytics_scheduler.vocabulary import AlertEvent

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOMENT = re.compile(r"[0-9-]{10}T[0-9:]{8}(\.[0-9]+)?\+00:00")
_DAY = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}")
_RUN = re.compile(r"(scheduled|manual|cli|test)__[^\"]*")


def plain(body: Any) -> Any:
    """Return a body with its ids, moments and days replaced by words."""
    text = json.dumps(body)
    for form, word in ((_RUN, "RUN"), (_UUID, "ID"), (_MOMENT, "MOMENT"), (_DAY, "DAY")):
        text = form.sub(word, text)
    return json.loads(text)


def is_within(part: Any, whole: Any) -> bool:
    """Whether an object has nothing that another has not."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and is_within(part[name], whole[name]) for name in part)
    return bool(part == whole)


@pytest.fixture
def sent(
    connection: Connection[Any],
    database_url: str,
    database_settings: DatabaseSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[dict[str, Any]]:
    """Give a body of every event, after each was provoked as in the examples."""
    with webhook_receiver() as receiver:
        for name, value in {**receiver.environ(), "DATABASE_URL": database_url}.items():
            monkeypatch.setenv(name, value)
        provoke(Inventory(connection), database_settings)
        yield newest(receiver)


def newest(receiver: Received) -> dict[str, Any]:
    daily = [body for body in receiver.accepted if body["task"] in {"daily-snapshot", None}]
    return {body["event"]: body for body in daily}


def provoke(inventory: Inventory, settings: DatabaseSettings) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    inventory.location("North")
    inventory.location("South")
    assert run_daily(inventory) == 0
    bad, milk = inventory.location("Bad"), inventory.product()
    inventory.move(bad, milk, "theft", 1, f"{yesterday}T12:00")
    assert run_daily(inventory) == 1
    inventory.connection.execute("DELETE FROM stock_movements")
    inventory.connection.execute("DELETE FROM analytics_snapshot_alerts")
    inventory.connection.commit()

    fail(inventory, settings)
    fall_behind(inventory, settings, yesterday)
    inventory.connection.execute("UPDATE locations SET is_active = name <> 'Bad'")
    inventory.connection.commit()
    assert run_daily(inventory) == 0
    assert main(["webhook-test"]) == 0


def run_daily(inventory: Inventory) -> int:
    """Take the daily snapshot as if there were none."""
    for table in ("analytics_snapshots", "analytics_snapshot_days"):
        inventory.connection.execute(f"DELETE FROM {table}")
    inventory.connection.commit()
    return main(["run", "daily"])


def fail(inventory: Inventory, settings: DatabaseSettings) -> None:
    record_run(
        inventory.connection,
        settings,
        task="daily-snapshot",
        run_id="scheduled__2026-03-12T02:00:00+00:00",
        outcome="failed",
        started_at=datetime.now(UTC),
        report={
            "reason": "There is no relation products in schema public.",
            "failed_task": "plan_shards",
        },
    )
    inventory.connection.commit()
    send_waiting()


def fall_behind(inventory: Inventory, settings: DatabaseSettings, yesterday: date) -> None:
    """Let the last success be three days old, and health find that out."""
    inventory.connection.execute("DELETE FROM analytics_snapshot_alerts")
    inventory.connection.execute(
        "UPDATE analytics_snapshot_migrations SET applied_at = '2020-01-01Z'"
    )
    inventory.connection.execute(
        "UPDATE analytics_snapshot_runs SET finished_at = finished_at - interval '3 days',"
        " report = report || %s",
        (json.dumps({"last_day": str(yesterday - timedelta(days=3))}),),
    )
    inventory.connection.commit()
    for task in SCHEDULE_DEFAULTS:
        if task != "daily-snapshot":
            record_run(
                inventory.connection,
                settings,
                task=task,
                run_id="test__",
                outcome="success",
                started_at=datetime.now(UTC),
                report={},
            )
    inventory.connection.commit()
    assert main(["health"]) == 1


def documented() -> dict[str, Any]:
    blocks = re.findall(r"```json\n(.*?)```", MONITORING_PAGE.read_text(), re.DOTALL)
    bodies = [json.loads(block) for block in blocks]
    return {body["event"]: body for body in bodies}


def test_every_example_is_what_is_sent(sent: dict[str, Any]) -> None:
    examples = documented()
    assert list(examples) == [*AlertEvent, "test"]
    assert set(sent) == set(examples)
    for event, example in examples.items():
        assert list(example) == list(sent[event]), event
        assert is_within(plain(example), plain(sent[event])), (example, sent[event])
        assert bool(example["run"]) == bool(sent[event]["run"])


def test_the_examples_of_the_readme_are_what_is_sent(sent: dict[str, Any]) -> None:
    rows = table_headed(README.read_text(), "Event")
    assert [row[0] for row in rows] == [*AlertEvent, "test"]
    for event, _, example in rows:
        body = json.loads(example)
        assert body["event"] == event
        assert is_within(plain(body), plain(sent[event])), (body, sent[event])


def test_the_documented_dag_with_another_notifier_loads(
    tmp_path: Path, airflow_database: None
) -> None:
    (tmp_path / "daily_snapshot.py").write_text(code_with("Notifier", README))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from airflow.dag_processing.dagbag import DagBag

        bag = DagBag(str(tmp_path))
    assert bag.import_errors == {}
    (dag,) = bag.dags.values()
    notifiers: Any = dag.on_failure_callback
    assert [type(each).__name__ for each in notifiers] == ["SmtpNotifier"]
    assert not dag.on_success_callback
