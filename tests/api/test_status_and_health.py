"""How the tasks are doing, and a health that goes red when one of them stops."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import psycopg
from tests.api.conftest import Client

NOW = datetime.now(UTC)
YESTERDAY = NOW.date() - timedelta(days=1)


def at(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")


def ran(
    client: Client,
    task: str,
    moment: datetime,
    *,
    seconds: float = 10,
    kind: str = "scheduled",
    state: str = "success",
    conf: str = "{}",
) -> None:
    """Put a finished run of a task into Airflow's database."""
    ended = moment + timedelta(seconds=seconds)
    client.metadata(
        "INSERT INTO dag_run (dag_id, run_id, run_type, state, logical_date, run_after, queued_at,"
        " start_date, end_date, conf, clear_number, log_template_id, updated_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 1, ?)",
        task,
        f"{kind}__{uuid.uuid4()}",
        kind,
        state,
        None if kind == "manual" else at(moment),
        at(moment),
        at(moment),
        at(moment),
        at(ended),
        conf,
        at(ended),
    )


def all_known_since(client: Client, moment: datetime) -> None:
    client.metadata("UPDATE dag_version SET created_at = ?", at(moment))


def all_ran_lately(client: Client) -> None:
    for (task,) in client.metadata("SELECT dag_id FROM dag"):
        ran(client, task, NOW - timedelta(minutes=1))


def pulse_of(client: Client, task: str) -> str:
    answer = client.get("/health").json()
    return str(answer["data"]["tasks"][task]["pulse"])


def test_health_is_green_when_everything_beats(either_surface: Client) -> None:
    all_known_since(either_surface, NOW - timedelta(days=40))
    all_ran_lately(either_surface)

    answer = either_surface.get("/health")

    assert answer.status == 200, answer.body
    data = answer.json()["data"]
    assert data["status"] == "healthy"
    assert data["database"]["state"] == data["cache"]["state"] == "ok"
    assert {task["pulse"] for task in data["tasks"].values()} == {"fresh"}
    assert len(data["tasks"]) == 6


def test_health_goes_red_when_a_task_is_overdue(either_surface: Client) -> None:
    all_known_since(either_surface, NOW - timedelta(days=40))
    all_ran_lately(either_surface)
    either_surface.metadata("DELETE FROM dag_run WHERE dag_id = 'daily-snapshot'")
    ran(either_surface, "daily-snapshot", NOW - timedelta(days=3))

    answer = either_surface.get("/health")

    assert answer.status == 503
    assert answer.json()["success"] is False
    assert answer.json()["error"] == "Unhealthy: daily-snapshot is overdue"
    assert answer.json()["data"]["tasks"]["daily-snapshot"]["pulse"] == "overdue"


def test_neither_a_failure_nor_a_filled_in_past_makes_a_task_fresh(simple_client: Client) -> None:
    all_known_since(simple_client, NOW - timedelta(days=40))
    all_ran_lately(simple_client)
    simple_client.metadata("DELETE FROM dag_run WHERE dag_id = 'daily-snapshot'")
    ran(simple_client, "daily-snapshot", NOW - timedelta(days=9), kind="backfill")
    ran(simple_client, "daily-snapshot", NOW, kind="manual", conf='{"date": "2026-01-15"}')
    ran(simple_client, "daily-snapshot", NOW - timedelta(minutes=1), state="failed")

    assert pulse_of(simple_client, "daily-snapshot") == "overdue"


def test_a_manual_run_for_the_slot_that_is_due_makes_a_task_fresh(simple_client: Client) -> None:
    all_known_since(simple_client, NOW - timedelta(days=40))
    all_ran_lately(simple_client)
    simple_client.metadata("DELETE FROM dag_run WHERE dag_id = 'daily-snapshot'")
    ran(simple_client, "daily-snapshot", NOW, kind="manual", conf=f'{{"date": "{YESTERDAY}"}}')

    assert pulse_of(simple_client, "daily-snapshot") == "fresh"


def test_a_paused_task_is_not_overdue_and_a_new_one_owes_nothing_yet(
    simple_client: Client,
) -> None:
    all_known_since(simple_client, NOW - timedelta(days=40))
    all_ran_lately(simple_client)
    simple_client.metadata("DELETE FROM dag_run WHERE dag_id IN (?, ?)", "daily-snapshot", OTHER)
    simple_client.metadata("UPDATE dag SET is_paused = 1 WHERE dag_id = 'daily-snapshot'")
    simple_client.metadata("UPDATE dag_version SET created_at = ? WHERE dag_id = ?", at(NOW), OTHER)

    assert simple_client.get("/health").status == 200
    assert pulse_of(simple_client, "daily-snapshot") == "paused"
    assert pulse_of(simple_client, OTHER) == "waiting"


OTHER = "monthly-snapshot"


def test_a_dag_that_is_gone_or_broken_is_red_at_once(simple_client: Client) -> None:
    all_known_since(simple_client, NOW - timedelta(days=40))
    all_ran_lately(simple_client)
    simple_client.metadata("UPDATE dag SET is_stale = 1 WHERE dag_id = 'cache-cleanup'")
    simple_client.metadata("UPDATE dag SET has_import_errors = 1 WHERE dag_id = ?", OTHER)

    answer = simple_client.get("/health")

    assert answer.status == 503
    assert "cache-cleanup is missing" in answer.json()["error"]
    assert "monthly-snapshot is broken" in answer.json()["error"]


def test_status_tells_schedule_next_times_and_durations(simple_client: Client) -> None:
    simple_client.metadata("DELETE FROM dag_run")
    for days, seconds in enumerate([8, 2, 4, 6, 20], start=1):
        ran(simple_client, "daily-snapshot", NOW - timedelta(days=days), seconds=seconds)

    data = simple_client.get("/status").json()["data"]

    assert [task["name"] for task in data["tasks"]] == [
        "daily-snapshot",
        "weekly-snapshot",
        "monthly-snapshot",
        "cache-cleanup",
        "snapshot-retention",
        "business-hour-snapshot",
    ]
    daily = data["tasks"][0]
    assert daily["schedule"]["words"] == "At 02:00"
    assert daily["schedule"]["timezone"] == "UTC"
    times = [datetime.fromisoformat(text) for text in daily["next_times"]]
    assert [moment.hour for moment in times] == [2] * 5
    assert [later - moment for moment, later in pairwise(times)] == [timedelta(days=1)] * 4
    assert times[0] > NOW
    assert daily["duration"]["p50_seconds"] == 6
    assert daily["duration"]["p95_seconds"] == 20
    assert [entry["seconds"] for entry in daily["duration"]["history"]] == [8, 2, 4, 6, 20]
    assert daily["last_run"]["seconds"] == 8
    assert daily["last_success"]["state"] == "success"


def test_status_counts_the_rows_that_should_be_there(
    simple_client: Client, shops: psycopg.Connection[Any]
) -> None:
    open_shop, other_shop, closed_shop = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    for location, is_active in ((open_shop, True), (other_shop, True), (closed_shop, False)):
        shops.execute(
            "INSERT INTO locations (id, name, is_active) VALUES (%s, 'Shop', %s)",
            (location, is_active),
        )
    for location in (open_shop, closed_shop):
        shops.execute(
            "INSERT INTO analytics_snapshots (location_id, period_type, period_start, period_end)"
            " VALUES (%s, 'daily', %s, %s)",
            (location, YESTERDAY, YESTERDAY),
        )

    coverage = simple_client.get("/status").json()["data"]["coverage"]

    assert coverage["daily"][:2] == [
        {
            "period_start": str(YESTERDAY),
            "period_end": str(YESTERDAY),
            "expected": 2,
            "written": 1,
        },
        {
            "period_start": str(YESTERDAY - timedelta(days=1)),
            "period_end": str(YESTERDAY - timedelta(days=1)),
            "expected": 2,
            "written": 0,
        },
    ]
    assert [len(coverage[period_type]) for period_type in ("daily", "weekly", "monthly")] == [
        7,
        4,
        3,
    ]
