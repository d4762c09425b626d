"""Alerts from the event to the receiver: stored with the run, sent until they arrive."""

from __future__ import annotations

import json
import logging
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from tests.support.inventory import Inventory
from tests.support.task_runs import TaskRuns, finished_run
from tests.support.webhook_receiver import WebhookReceiver, webhook_receiver

from analytics_scheduler.alerts import delivery
from analytics_scheduler.alerts.delivery import Delivery
from analytics_scheduler.cli import main
from analytics_scheduler.local.processes import free_port
from analytics_scheduler.run_records import finish_run
from analytics_scheduler.settings import DatabaseSettings, load_alert_settings

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
FAILURE: dict[str, Any] = {"reason": "The connection was lost.", "failed_task": "write_snapshots"}


@pytest.fixture
def runs(
    environment: None, connection: Connection[Any], database_settings: DatabaseSettings
) -> TaskRuns:
    """Give the records of a database, with a webhook in the environment."""
    return TaskRuns(connection, database_settings)


@pytest.fixture
def overdue_runs(runs: TaskRuns) -> TaskRuns:
    """Give a database in which only the daily snapshot is overdue."""
    runs.install_long_ago()
    runs.record_all(but="daily-snapshot", last_day=YESTERDAY)
    runs.execute("DELETE FROM analytics_snapshot_alerts")
    return runs


def test_success_is_delivered_with_its_record(runs: TaskRuns, receiver: WebhookReceiver) -> None:
    runs.record(last_day=YESTERDAY, written=2)
    assert runs.send() == Delivery(delivered=1)
    assert runs.send() == Delivery()
    [body] = receiver.accepted
    assert (body["event"], body["task"], body["incident"]) == ("success", "daily-snapshot", None)
    assert body["run"]["report"]["written"] == 2
    assert runs.alerts("state, attempts, last_answer IS NULL") == [("delivered", 1, False)]


def test_nothing_is_stored_without_a_webhook(
    runs: TaskRuns, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SCHEDULER_WEBHOOK_URL")
    runs.record("failed", **FAILURE)
    assert runs.send() == Delivery()
    assert runs.alerts("event") == []
    assert receiver.paths == []


def test_incident_has_one_alert_until_a_success(runs: TaskRuns, receiver: WebhookReceiver) -> None:
    for outcome in ("failed", "failed", "partial", "deferred", "failed"):
        runs.record(outcome, **FAILURE)
    runs.record("failed", task="weekly-snapshot", **FAILURE)
    runs.record(last_day=YESTERDAY)
    runs.record(last_day=YESTERDAY)
    runs.record("failed", **FAILURE)
    runs.send()

    daily = [body for body in receiver.accepted if body["task"] == "daily-snapshot"]
    assert sorted(body["event"] for body in daily[1:4]) == ["recovered", "success", "success"]
    assert [daily[0]["event"], daily[4]["event"]] == ["failure", "failure"]
    assert ("failure", "weekly-snapshot") in receiver.events
    [recovered] = [body for body in daily if body["event"] == "recovered"]
    assert daily[0]["incident"]["id"] == daily[0]["id"] == recovered["incident"]["id"]
    assert recovered["incident"]["opened_at"] == daily[0]["at"]
    assert daily[4]["id"] != daily[0]["id"]


def test_incident_outlasts_filled_in_days(runs: TaskRuns) -> None:
    runs.record("partial", last_day=YESTERDAY - timedelta(days=1))
    runs.record("partial", last_day=YESTERDAY)
    runs.record(last_day=YESTERDAY - timedelta(days=1))
    assert runs.alerts("event, resolved_at IS NULL") == [("partial", True), ("success", True)]
    runs.record(last_day=YESTERDAY)
    events = [event for (event,) in runs.alerts("event")]
    assert sorted(events) == ["partial", "recovered", "success", "success"]


def test_overdue_task_alerts_once_and_recovers(
    overdue_runs: TaskRuns, receiver: WebhookReceiver, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["health"]) == 1
    assert main(["health"]) == 1
    overdue_runs.record("failed", **FAILURE)
    assert receiver.events == [("overdue", "daily-snapshot")]
    [body] = receiver.accepted
    assert body["overdue"]["last_success"] is None
    assert body["message"].startswith("daily-snapshot is overdue: due ")

    overdue_runs.record(last_day=YESTERDAY - timedelta(days=30))
    assert main(["health"]) == 1
    assert receiver.events[1:] == [("success", "daily-snapshot")]
    overdue_runs.record(last_day=YESTERDAY)
    assert main(["health"]) == 0
    assert sorted(receiver.events[2:]) == [
        ("recovered", "daily-snapshot"),
        ("success", "daily-snapshot"),
    ]
    assert "error" not in capsys.readouterr().err.replace("error: daily-snapshot is overdue", "")


def test_paused_task_causes_no_alert(overdue_runs: TaskRuns, receiver: WebhookReceiver) -> None:
    assert main(["health", "--paused", "daily-snapshot"]) == 0
    assert overdue_runs.alerts("event") == []
    assert receiver.paths == []


def test_health_closes_an_incident_found_resolved(
    overdue_runs: TaskRuns, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A success that is recorded without a webhook closes nothing itself."""
    main(["health"])
    with monkeypatch.context() as without:
        without.delenv("SCHEDULER_WEBHOOK_URL")
        overdue_runs.record(last_day=YESTERDAY)
    main(["health"])
    assert [event for event, _ in receiver.events] == ["overdue", "recovered"]


def test_incident_outlasts_an_earlier_success(
    overdue_runs: TaskRuns, receiver: WebhookReceiver
) -> None:
    overdue_runs.record("failed", task="cache-cleanup", **FAILURE)
    main(["health"])
    assert sorted(receiver.events) == [("failure", "cache-cleanup"), ("overdue", "daily-snapshot")]


@pytest.mark.parametrize("broken", ["receiver", "secret", "table"])
def test_health_does_not_depend_on_alerts(
    overdue_runs: TaskRuns,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    broken: str,
) -> None:
    overdue_runs.record(last_day=YESTERDAY)
    if broken == "receiver":
        monkeypatch.setenv("SCHEDULER_WEBHOOK_URL", f"http://127.0.0.1:{free_port()}/t0ken")
    elif broken == "secret":
        monkeypatch.setenv("SCHEDULER_WEBHOOK_SECRET", "t0ken")
    else:
        overdue_runs.execute("DROP TABLE analytics_snapshot_alerts")
    assert main(["health", "--json"]) == 0
    overdue_runs.execute("DELETE FROM analytics_snapshot_runs WHERE task = 'daily-snapshot'")
    assert main(["health", "--json"]) == 1
    printed = capsys.readouterr()
    assert [json.loads(line)["status"] for line in printed.out.splitlines()] == [
        "healthy",
        "unhealthy",
    ]
    assert ("alerts are not sent" in printed.err) == (broken != "receiver")
    assert "t0ken" not in printed.out + printed.err


@pytest.mark.parametrize(
    ("broken", "event"), [("setting", "alerts_not_sent"), ("table", "alert_not_stored")]
)
def test_run_is_recorded_if_alerts_are_broken(
    runs: TaskRuns,
    broken: str,
    event: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if broken == "setting":
        monkeypatch.setenv("SCHEDULER_WEBHOOK_URL", "ftp://t0ken")
    else:
        runs.execute("DROP TABLE analytics_snapshot_alerts")
    runs.record("failed", **FAILURE)
    assert runs.rows("SELECT outcome FROM analytics_snapshot_runs") == [("failed",)]
    assert f"event={event}" in caplog.text
    assert "t0ken" not in caplog.text


def test_run_does_not_wait_for_locked_alerts(
    runs: TaskRuns, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE analytics_snapshot_alerts")
        runs.record(last_day=YESTERDAY)
    assert "lock timeout" in caplog.text
    assert runs.value("SELECT count(*) FROM analytics_snapshot_runs") == 1


def test_alert_is_rolled_back_with_its_record(runs: TaskRuns) -> None:
    with runs.connection.transaction(force_rollback=True):
        finish_run(runs.queries, finished_run("failed"), load_alert_settings())
    assert runs.alerts("event") == []


def test_alerts_wait_for_the_receiver(runs: TaskRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("SCHEDULER_WEBHOOK_URL", f"http://127.0.0.1:{port}/hook")
    runs.record("failed", **FAILURE)
    runs.record(last_day=YESTERDAY)
    assert runs.send() == Delivery(failed=1)
    assert runs.send() == Delivery(failed=1)
    assert runs.alerts("state, attempts")[0] == ("waiting", 1)
    first_ids = {str(alert_id) for (alert_id,) in runs.alerts("id")}
    with webhook_receiver(port=port) as receiver:
        assert runs.send() == Delivery(delivered=1), "the other two pause"
        runs.end_pauses()
        assert runs.send() == Delivery(delivered=2)
        assert {body["id"] for body in receiver.accepted} == first_ids
        assert sorted(event for event, _ in receiver.events) == ["failure", "recovered", "success"]


def test_each_attempt_sends_the_same_body(runs: TaskRuns, receiver: WebhookReceiver) -> None:
    receiver.statuses = [500, 302, 204]
    runs.record("failed", **FAILURE)
    for expected in (Delivery(failed=1), Delivery(failed=1), Delivery(delivered=1)):
        assert runs.send() == expected
        runs.end_pauses()
    assert [*receiver.refused, *receiver.accepted] == [receiver.accepted[0]] * 3
    assert runs.alerts("state, attempts") == [("delivered", 3)]


def test_pauses_double_up_to_an_hour(runs: TaskRuns, receiver: WebhookReceiver) -> None:
    receiver.statuses = [503]
    runs.record("failed", **FAILURE)
    minutes = []
    for _ in range(8):
        runs.send()
        [(pause,)] = runs.alerts("next_attempt_at - clock_timestamp()")
        minutes.append(round(pause.total_seconds() / 60))
        runs.end_pauses()
    assert minutes == [1, 2, 4, 8, 16, 32, 60, 60]


def test_alert_is_given_up_after_a_week(
    runs: TaskRuns, receiver: WebhookReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.statuses = [503, 503, 204]
    runs.record("failed", **FAILURE)
    runs.execute("UPDATE analytics_snapshot_alerts SET created_at = now() - interval '8 days'")
    assert runs.send() == Delivery(failed=1), "the first attempt is always made"
    assert runs.send() == Delivery()
    assert runs.alerts("state, attempts") == [("given up", 1)]
    [line] = [text for text in caplog.messages if "alert_given_up" in text]
    assert "kind=failure task=daily-snapshot attempts=1 days=7 last_answer='status 503" in line


def test_refused_alert_does_not_block_the_next(runs: TaskRuns, receiver: WebhookReceiver) -> None:
    receiver.statuses = [422, 204]
    runs.record("failed", **FAILURE)
    runs.record("failed", task="weekly-snapshot", **FAILURE)
    assert runs.send() == Delivery(delivered=1, failed=1)


def test_send_waiting_is_bounded(runs: TaskRuns, receiver: WebhookReceiver) -> None:
    for _ in range(25):
        runs.record()
    assert runs.send() == Delivery(delivered=20)
    assert runs.send(seconds=0) == Delivery()
    assert runs.send() == Delivery(delivered=5)
    assert len(receiver.accepted) == 25


def test_concurrent_senders_deliver_each_alert_once(
    runs: TaskRuns, receiver: WebhookReceiver
) -> None:
    for _ in range(20):
        runs.record()
    start = threading.Barrier(4)
    found: list[Delivery] = []

    def send() -> None:
        start.wait()
        found.append(runs.send())

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(entry.delivered for entry in found) == 20
    ids = [body["id"] for body in receiver.accepted]
    assert (len(ids), len(set(ids))) == (20, 20)


def test_killed_sender_loses_no_alert(
    runs: TaskRuns, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is killed once after it claimed the alert, and once before it recorded the answer."""

    class Killed(BaseException):
        """What no handler catches."""

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    runs.record("failed", **FAILURE)
    for name in ("post", "_record_attempt"):
        with monkeypatch.context() as dying:
            dying.setattr(delivery, name, die)
            with pytest.raises(Killed):
                runs.send()
        runs.end_pauses()
    assert runs.send() == Delivery(delivered=1)
    assert len(receiver.accepted) == 2
    assert receiver.accepted[0] == receiver.accepted[1]


def test_unwanted_events_are_stored_but_not_sent(
    runs: TaskRuns, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHEDULER_WEBHOOK_EVENTS", "recovered")
    runs.record("failed", **FAILURE)
    runs.record(last_day=YESTERDAY)
    runs.send()
    assert [event for event, _ in receiver.events] == ["recovered"]
    assert set(runs.alerts("event, state")) == {
        ("failure", "not wanted"),
        ("success", "not wanted"),
        ("recovered", "delivered"),
    }


def test_secrets_are_neither_logged_nor_stored(
    runs: TaskRuns, receiver: WebhookReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.raw_answer = b"t0ken\r\n\r\n"
    with caplog.at_level(logging.DEBUG):
        runs.record("failed", **FAILURE)
        runs.send()
        receiver.raw_answer = None
        runs.end_pauses()
        runs.send()
    everything = caplog.text + str(runs.alerts("body, last_answer"))
    assert "t0ken" not in everything
    assert "a secret that only tests know" not in everything
    assert "event=alert_delivered" in caplog.text


def test_prune_keeps_waiting_alerts_and_incidents(
    runs: TaskRuns, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.record("failed", task="weekly-snapshot", **FAILURE)
    runs.record(last_day=YESTERDAY)
    runs.record("failed", **FAILURE)
    runs.record(last_day=YESTERDAY)
    runs.send()
    runs.record(task="cache-cleanup")
    runs.execute("UPDATE analytics_snapshot_alerts SET created_at = now() - interval '2 years'")
    monkeypatch.delenv("SCHEDULER_WEBHOOK_URL")

    assert main(["prune", "--dry-run", "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)["kinds"]
    assert main(["prune", "--json"]) == 0
    pruned = json.loads(capsys.readouterr().out)["kinds"]
    assert [kind["gone"] for kind in pruned if kind["kind"] == "alerts"] == [4]
    assert [kind["gone"] for kind in planned if kind["kind"] == "alerts"] == [4]
    assert runs.alerts("event, task, state") == [
        ("success", "cache-cleanup", "waiting"),
        ("failure", "weekly-snapshot", "delivered"),
    ]


@pytest.mark.usefixtures("environment")
def test_commands_send_alerts_when_they_end(
    receiver: WebhookReceiver, inventory: Inventory
) -> None:
    inventory.location("North")
    assert main(["run", "daily"]) == 0
    assert main(["prune"]) == 0
    assert receiver.events == [("success", "daily-snapshot"), ("success", "snapshot-retention")]
    bad, milk = inventory.location("Bad"), inventory.product()
    inventory.move(bad, milk, "theft", 1, f"{YESTERDAY}T12:00")
    assert main(["run", "daily"]) == 1
    assert receiver.events[2:] == [("partial", "daily-snapshot")]
    body = receiver.accepted[2]
    assert body["message"] == (
        f"daily-snapshot was not completed: Bad [{bad}] ({YESTERDAY}): "
        "1 movement of unknown type 'theft'"
    )


@pytest.mark.usefixtures("environment")
def test_outbox_in_another_schema(
    receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYTICS_SCHEMA", 'the "figures"')
    assert main(["migrate"]) == 0
    assert main(["run", "daily"]) == 0
    assert receiver.events == [("success", "daily-snapshot")]
