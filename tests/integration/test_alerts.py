"""Alerts from the event to the receiver: stored with the run, sent until they arrived."""

from __future__ import annotations

import json
import logging
import threading
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from tests.support.inventory import Inventory
from tests.support.webhook_receiver import Received, webhook_receiver

from analytics_scheduler.alerts import delivery
from analytics_scheduler.alerts.delivery import Delivery, send_waiting
from analytics_scheduler.cli import main
from analytics_scheduler.local.processes import free_port
from analytics_scheduler.run_records import record_run
from analytics_scheduler.settings import SCHEDULE_DEFAULTS, DatabaseSettings

TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)
FAILURE: dict[str, Any] = {"reason": "The connection was lost.", "failed_task": "plan_shards"}


class Desk:
    """A database whose runs and alerts a test looks at, with a webhook in the environment."""

    def __init__(self, connection: Connection[Any], settings: DatabaseSettings) -> None:
        self.connection, self.settings = connection, settings

    def record(
        self, outcome: str, *, task: str = "daily-snapshot", day: date | None = None, **report: Any
    ) -> None:
        days = {"first_day": str(day), "last_day": str(day)} if day else {}
        record_run(
            self.connection,
            self.settings,
            task=task,
            run_id=f"test {outcome}",
            outcome=outcome,
            started_at=datetime.now(UTC),
            report={**report, **days},
        )
        self.connection.commit()

    def execute(self, query: str, *values: object) -> None:
        self.connection.execute(query, values)
        self.connection.commit()

    def rows(self, columns: str) -> list[tuple[Any, ...]]:
        found = self.connection.execute(
            f"SELECT {columns} FROM analytics_snapshot_alerts ORDER BY created_at, event DESC"
        ).fetchall()
        self.connection.rollback()
        return found

    def hasten(self) -> None:
        """Let every pause between attempts be over."""
        self.execute("UPDATE analytics_snapshot_alerts SET next_attempt_at = now()")

    def make_overdue(self) -> None:
        """Let the package be there for years, and every task but the daily one fresh."""
        self.execute("UPDATE analytics_snapshot_migrations SET applied_at = '2020-01-01Z'")
        for task in SCHEDULE_DEFAULTS:
            if task != "daily-snapshot":
                self.record("success", task=task)
        self.execute("DELETE FROM analytics_snapshot_alerts")


@pytest.fixture
def desk(
    environment: None, connection: Connection[Any], database_settings: DatabaseSettings
) -> Desk:
    return Desk(connection, database_settings)


def test_a_success_arrives_once_with_its_record(desk: Desk, receiver: Received) -> None:
    desk.record("success", day=YESTERDAY, written=2)
    assert send_waiting() == Delivery(delivered=1)
    assert send_waiting() == Delivery()
    (body,) = receiver.accepted
    assert (body["event"], body["task"], body["incident"]) == ("success", "daily-snapshot", None)
    assert body["run"]["report"]["written"] == 2
    assert desk.rows("state, attempts, last_answer IS NULL") == [("delivered", 1, False)]


def test_without_a_webhook_nothing_is_stored_or_sent(
    desk: Desk, receiver: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SCHEDULER_WEBHOOK_URL")
    desk.record("failed", **FAILURE)
    assert send_waiting() == Delivery()
    assert desk.rows("event") == []
    assert receiver.paths == []


def test_one_alert_an_incident_until_a_success(desk: Desk, receiver: Received) -> None:
    for outcome in ("failed", "failed", "partial", "deferred", "failed"):
        desk.record(outcome, **FAILURE)
    desk.record("failed", task="weekly-snapshot", **FAILURE)
    desk.record("success", day=YESTERDAY)
    desk.record("success", day=YESTERDAY)
    desk.record("failed", **FAILURE)
    send_waiting()

    daily = [body for body in receiver.accepted if body["task"] == "daily-snapshot"]
    assert sorted(body["event"] for body in daily[1:4]) == ["recovered", "success", "success"]
    assert [daily[0]["event"], daily[4]["event"]] == ["failure", "failure"]
    assert ("failure", "weekly-snapshot") in receiver.events
    (recovered,) = [body for body in daily if body["event"] == "recovered"]
    assert daily[0]["incident"]["id"] == daily[0]["id"] == recovered["incident"]["id"]
    assert recovered["incident"]["opened_at"] == daily[0]["at"]
    assert daily[4]["id"] != daily[0]["id"]


def test_old_days_that_are_filled_in_end_no_incident(desk: Desk) -> None:
    desk.record("partial", day=YESTERDAY - timedelta(days=1))
    desk.record("partial", day=YESTERDAY)
    desk.record("success", day=YESTERDAY - timedelta(days=1))
    assert desk.rows("event, resolved_at IS NULL") == [("partial", True), ("success", True)]
    desk.record("success", day=YESTERDAY)
    events = [event for (event,) in desk.rows("event")]
    assert sorted(events) == ["partial", "recovered", "success", "success"]


def test_an_overdue_task_is_told_once_by_health_and_recovers(
    desk: Desk, receiver: Received, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.make_overdue()
    assert main(["health"]) == 1
    assert main(["health"]) == 1
    desk.record("failed", **FAILURE)
    assert receiver.events == [("overdue", "daily-snapshot")]
    (body,) = receiver.accepted
    assert body["overdue"]["last_success"] is None
    assert body["message"].startswith("daily-snapshot is overdue: due ")

    desk.record("success", day=YESTERDAY - timedelta(days=30))
    assert main(["health"]) == 1
    assert receiver.events[1:] == [("success", "daily-snapshot")]
    desk.record("success", day=YESTERDAY)
    assert main(["health"]) == 0
    assert sorted(receiver.events[2:]) == [
        ("recovered", "daily-snapshot"),
        ("success", "daily-snapshot"),
    ]
    assert "error" not in capsys.readouterr().err.replace("error: daily-snapshot is overdue", "")


def test_a_paused_task_is_no_alert(desk: Desk, receiver: Received) -> None:
    desk.make_overdue()
    assert main(["health", "--paused", "daily-snapshot"]) == 0
    assert receiver.paths == []


def test_a_success_that_was_recorded_without_a_webhook_ends_the_incident_too(
    desk: Desk, receiver: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.make_overdue()
    main(["health"])
    with monkeypatch.context() as without:
        without.delenv("SCHEDULER_WEBHOOK_URL")
        desk.record("success", day=YESTERDAY)
    main(["health"])
    assert [event for event, _ in receiver.events] == ["overdue", "recovered"]


def test_a_success_from_before_a_failure_does_not_end_its_incident(
    desk: Desk, receiver: Received
) -> None:
    desk.make_overdue()
    desk.record("failed", task="cache-cleanup", **FAILURE)
    main(["health"])
    assert sorted(receiver.events) == [("failure", "cache-cleanup"), ("overdue", "daily-snapshot")]


@pytest.mark.parametrize("broken", ["away", "secret", "table"])
def test_the_webhook_never_changes_what_health_says(
    desk: Desk,
    receiver: Received,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    broken: str,
) -> None:
    desk.make_overdue()
    desk.record("success", day=YESTERDAY)
    if broken == "away":
        monkeypatch.setenv("SCHEDULER_WEBHOOK_URL", f"http://127.0.0.1:{free_port()}/t0ken")
    elif broken == "secret":
        monkeypatch.setenv("SCHEDULER_WEBHOOK_SECRET", "t0ken")
    else:
        desk.execute("DROP TABLE analytics_snapshot_alerts")
    assert main(["health", "--json"]) == 0
    desk.execute("DELETE FROM analytics_snapshot_runs WHERE task = 'daily-snapshot'")
    assert main(["health", "--json"]) == 1
    quoted = capsys.readouterr()
    assert [json.loads(line)["status"] for line in quoted.out.splitlines()] == [
        "healthy",
        "unhealthy",
    ]
    assert ("alerts are not sent" in quoted.err) == (broken != "away")
    assert "t0ken" not in quoted.out + quoted.err


@pytest.mark.parametrize("broken", ["setting", "table"])
def test_a_run_is_recorded_whatever_is_wrong_with_alerts(
    desk: Desk,
    broken: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if broken == "setting":
        monkeypatch.setenv("SCHEDULER_WEBHOOK_URL", "ftp://t0ken")
    else:
        desk.execute("DROP TABLE analytics_snapshot_alerts")
    desk.record("failed", **FAILURE)
    rows = desk.connection.execute("SELECT outcome FROM analytics_snapshot_runs").fetchall()
    assert rows == [("failed",)]
    assert "event=alert_not_stored" in caplog.text
    assert "t0ken" not in caplog.text


def test_a_run_waits_for_nobody_who_holds_the_alerts(
    desk: Desk, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE analytics_snapshot_alerts")
        desk.record("success", day=YESTERDAY)
    assert "lock timeout" in caplog.text
    count = desk.connection.execute("SELECT count(*) FROM analytics_snapshot_runs").fetchone()
    assert count == (1,)


def test_the_alert_goes_where_the_record_goes(desk: Desk) -> None:
    """A record that is rolled back tells nobody."""
    with desk.connection.transaction(force_rollback=True):
        record_run(
            desk.connection,
            desk.settings,
            task="daily-snapshot",
            run_id="r",
            outcome="failed",
            started_at=datetime.now(UTC),
            report={},
        )
    assert desk.rows("event") == []


def test_the_outbox_is_drained_when_the_receiver_is_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("SCHEDULER_WEBHOOK_URL", f"http://127.0.0.1:{port}/hook")
    desk.record("failed", **FAILURE)
    desk.record("success", day=YESTERDAY)
    assert send_waiting() == Delivery(failed=1)
    assert send_waiting() == Delivery(failed=1)
    assert desk.rows("state, attempts")[0] == ("waiting", 1)
    first_ids = {str(alert) for (alert,) in desk.rows("id")}
    with webhook_receiver(port=port) as receiver:
        assert send_waiting() == Delivery(delivered=1), "the others pause"
        desk.hasten()
        assert send_waiting() == Delivery(delivered=2)
        assert {body["id"] for body in receiver.accepted} == first_ids
        assert sorted(event for event, _ in receiver.events) == ["failure", "recovered", "success"]


def test_a_repeat_has_the_same_id_and_body(desk: Desk, receiver: Received) -> None:
    receiver.statuses = [500, 302, 204]
    desk.record("failed", **FAILURE)
    for expected in (Delivery(failed=1), Delivery(failed=1), Delivery(delivered=1)):
        assert send_waiting() == expected
        desk.hasten()
    assert [*receiver.refused, *receiver.accepted] == [receiver.accepted[0]] * 3
    assert desk.rows("state, attempts") == [("delivered", 3)]


def test_pauses_double_up_to_an_hour(desk: Desk, receiver: Received) -> None:
    receiver.statuses = [503]
    desk.record("failed", **FAILURE)
    pauses = []
    for _ in range(8):
        send_waiting()
        ((pause,),) = desk.rows("next_attempt_at - clock_timestamp()")
        pauses.append(round(pause.total_seconds() / 60))
        desk.hasten()
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]


def test_an_alert_is_given_up_after_a_week_and_says_so(
    desk: Desk, receiver: Received, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.statuses = [503, 503, 204]
    desk.record("failed", **FAILURE)
    desk.execute("UPDATE analytics_snapshot_alerts SET created_at = now() - interval '8 days'")
    assert send_waiting() == Delivery(failed=1), "it was never tried before"
    assert send_waiting() == Delivery()
    assert desk.rows("state, attempts") == [("given up", 1)]
    (line,) = [text for text in caplog.messages if "alert_given_up" in text]
    assert "kind=failure task=daily-snapshot attempts=1 days=7 last_answer='status 503" in line


def test_an_alert_that_is_refused_does_not_hold_up_the_next(desk: Desk, receiver: Received) -> None:
    receiver.statuses = [422, 204]
    desk.record("failed", **FAILURE)
    desk.record("failed", task="weekly-snapshot", **FAILURE)
    assert send_waiting() == Delivery(delivered=1, failed=1)


def test_one_sender_sends_a_bounded_share(desk: Desk, receiver: Received) -> None:
    for _ in range(25):
        desk.record("success")
    assert send_waiting() == Delivery(delivered=20)
    assert send_waiting(seconds=0) == Delivery()
    assert send_waiting() == Delivery(delivered=5)


def test_senders_at_once_deliver_each_alert_once(desk: Desk, receiver: Received) -> None:
    for _ in range(20):
        desk.record("success")
    start = threading.Barrier(4)
    found: list[Delivery] = []

    def send() -> None:
        start.wait()
        found.append(send_waiting())

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(entry.delivered for entry in found) == 20
    ids = [body["id"] for body in receiver.accepted]
    assert (len(ids), len(set(ids))) == (20, 20)


def test_a_sender_that_dies_loses_nothing(
    desk: Desk, receiver: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is killed right after it took the alert, or right before it could note the answer."""

    class Killed(BaseException):
        """What no handler catches."""

    def die(*_: Any, **__: Any) -> None:
        raise Killed

    desk.record("failed", **FAILURE)
    for name in ("post", "_note"):
        with monkeypatch.context() as dying:
            dying.setattr(delivery, name, die)
            with pytest.raises(Killed):
                send_waiting()
        desk.hasten()
    assert send_waiting() == Delivery(delivered=1)
    assert len(receiver.accepted) == 2
    assert receiver.accepted[0] == receiver.accepted[1]


def test_events_that_are_not_wanted_are_not_sent_but_remembered(
    desk: Desk, receiver: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SCHEDULER_WEBHOOK_EVENTS", "recovered")
    desk.record("failed", **FAILURE)
    desk.record("success", day=YESTERDAY)
    send_waiting()
    assert [event for event, _ in receiver.events] == ["recovered"]
    assert {(event, state) for event, state in desk.rows("event, state")} == {
        ("failure", "not wanted"),
        ("success", "not wanted"),
        ("recovered", "delivered"),
    }


def test_no_secret_is_written_anywhere(
    desk: Desk, receiver: Received, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.raw_answer = b"t0ken\r\n\r\n"
    with caplog.at_level(logging.DEBUG):
        desk.record("failed", **FAILURE)
        send_waiting()
        receiver.raw_answer = None
        desk.hasten()
        send_waiting()
    everything = caplog.text + str(desk.rows("body, last_answer"))
    assert "t0ken" not in everything
    assert "a secret that only tests know" not in everything
    assert "event=alert_delivered" in caplog.text


def test_retention_takes_alerts_that_are_over_and_leaves_what_is_needed(
    desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.record("failed", task="weekly-snapshot", **FAILURE)
    desk.record("success", day=YESTERDAY)
    desk.record("failed", **FAILURE)
    desk.record("success", day=YESTERDAY)
    send_waiting()
    desk.record("success", task="cache-cleanup")
    desk.execute("UPDATE analytics_snapshot_alerts SET created_at = now() - interval '2 years'")
    monkeypatch.delenv("SCHEDULER_WEBHOOK_URL")

    assert main(["prune", "--dry-run", "--json"]) == 0
    foretold = json.loads(capsys.readouterr().out)["kinds"]
    assert main(["prune", "--json"]) == 0
    done = json.loads(capsys.readouterr().out)["kinds"]
    assert [kind["gone"] for kind in done if kind["kind"] == "alerts"] == [4]
    assert [kind["gone"] for kind in foretold if kind["kind"] == "alerts"] == [4]
    assert desk.rows("event, task, state") == [
        ("success", "cache-cleanup", "waiting"),
        ("failure", "weekly-snapshot", "delivered"),
    ]


def test_the_command_line_sends_when_it_is_done(
    desk: Desk, receiver: Received, inventory: Inventory, capsys: pytest.CaptureFixture[str]
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
def test_the_schema_of_the_package_may_be_another(
    receiver: Received, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANALYTICS_SCHEMA", 'the "figures"')
    assert main(["migrate"]) == 0
    assert main(["run", "daily"]) == 0
    assert receiver.events == [("success", "daily-snapshot")]
