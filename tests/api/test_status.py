"""The status of every task, and the coverage of the last periods."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from tests.support.api_client import Client
from tests.support.database import Database

NOW = datetime.now(UTC)
YESTERDAY = NOW.date() - timedelta(days=1)


def test_status_of_a_task(simple_client: Client) -> None:
    simple_client.metadata("DELETE FROM dag_run")
    for days, seconds in enumerate([8, 2, 4, 6, 20], start=1):
        simple_client.add_run("daily-snapshot", NOW - timedelta(days=days), seconds=seconds)

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


def test_status_coverage(simple_client: Client, shops: Database) -> None:
    open_shop, other_shop, closed_shop = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    for location, is_active in ((open_shop, True), (other_shop, True), (closed_shop, False)):
        shops.execute(
            "INSERT INTO locations (id, name, is_active) VALUES (%s, 'Shop', %s)",
            location,
            is_active,
        )
    for location in (open_shop, closed_shop):
        shops.execute(
            "INSERT INTO analytics_snapshots (location_id, period_type, period_start, period_end)"
            " VALUES (%s, 'daily', %s, %s)",
            location,
            YESTERDAY,
            YESTERDAY,
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
    assert {period_type: len(entries) for period_type, entries in coverage.items()} == {
        "daily": 7,
        "weekly": 4,
        "monthly": 3,
    }
