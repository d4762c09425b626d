"""A run over several connections writes what a run over one does, and ends as one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
import pytest
from tests.support.database import execute, rows, value
from tests.support.documented_source import role_of
from tests.support.inventory import Analyst, Inventory
from tests.support.waiting import wait_until

DAY = date(2026, 3, 10)
SESSIONS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name = 'analytics-scheduler'"
)
WRITTEN = f"SELECT count(*) FROM analytics_snapshots WHERE period_start = '{DAY}'"
WAITING = SESSIONS + " AND wait_event_type = 'Lock'"


@pytest.fixture
def shops(inventory: Inventory) -> list[UUID]:
    """Thirty shops in the order of their ids; the n-th sells n + 1 milks on the day."""
    found = sorted(inventory.location(f"Shop {number}") for number in range(30))
    milk = inventory.product("2.00", "5.00")
    for number, shop in enumerate(found, 1):
        inventory.move(shop, milk, "in", 100, "2026-03-01T08:00")
        inventory.move(shop, milk, "out", number, f"{DAY}T12:00")
    return found


def start(database_url: str, *words: str, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "analytics_scheduler", "run", "daily", "--date", str(DAY), *words],
        env={"PATH": os.environ["PATH"], "DATABASE_URL": database_url, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(database_url: str, *words: str, **environ: str) -> tuple[int, Mapping[str, Any], str]:
    """Return the exit status of a run, its JSON, and its errors."""
    run = start(database_url, *words, "--json", **environ)
    out, errors = run.communicate(timeout=60)
    assert "Traceback" not in errors
    return run.returncode, json.loads(out), errors


def revenues(url: str) -> list[tuple[UUID, int]]:
    query = "SELECT location_id, revenue FROM analytics_snapshots ORDER BY location_id"
    return [(shop, int(revenue)) for shop, revenue in rows(url, query)]


@pytest.mark.parametrize("jobs", [1, 3, 64])
def test_jobs_write_each_location_once(database_url: str, shops: list[UUID], jobs: int) -> None:
    status, report, _ = ended(database_url, "--jobs", str(jobs))

    assert (status, report["written"], report["failed"]) == (0, 30, 0)
    assert report["batches"] == min(jobs, 30)
    assert report["movements_read"] == 30
    expected = [(shop, 5 * number) for number, shop in enumerate(shops, 1)]
    assert revenues(database_url) == expected
    again, repeated, _ = ended(database_url, "--jobs", str(jobs))
    assert (again, repeated["unchanged"], repeated["written"]) == (0, 30, 0)


def test_setting_gives_the_jobs(database_url: str, shops: list[UUID]) -> None:
    assert ended(database_url, SNAPSHOT_JOBS="5")[1]["batches"] == 5
    assert ended(database_url, "--jobs", "2", SNAPSHOT_JOBS="5")[1]["batches"] == 2


def test_bad_location_costs_only_itself(
    database_url: str, inventory: Inventory, shops: list[UUID]
) -> None:
    milk = inventory.value("SELECT id FROM products")
    inventory.move(shops[11], milk, "theft", 1, f"{DAY}T13:00")

    status, report, _ = ended(database_url, "--jobs", "3")

    assert (status, report["outcome"], report["written"], report["failed"]) == (
        1,
        "partial",
        29,
        1,
    )
    [failure] = report["failures"]
    assert str(shops[11]) in failure["location"]


@pytest.mark.parametrize("text", ["0", "65", "-1", "two", "1.5"])
def test_number_of_jobs_is_checked(database_url: str, text: str) -> None:
    status, report, _ = ended(database_url, f"--jobs={text}")
    assert status == 1
    assert report["error"] == f"--jobs must be a whole number from 1 to 64, got '{text}'."


def test_more_jobs_than_connections(database_url: str, shops: list[UUID]) -> None:
    with role_of(database_url, "LOGIN PASSWORD 's3cret' CONNECTION LIMIT 2") as (role, url):
        execute(
            database_url,
            f"GRANT ALL ON SCHEMA public TO {role}",
            f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}",
        )
        status, report, _ = ended(url, "--jobs", "3")
        assert status == 1
        assert "gave no connection to job 3. Ask for at most 2 with --jobs" in report["error"]
        assert "s3cret" not in report["error"]
        assert ended(url, "--jobs", "2")[0] == 0
    assert len(revenues(database_url)) == 30


def held(database_url: str, shops: list[UUID], analyst: Analyst) -> psycopg.Connection[Any]:
    """Return a connection that holds the rows of the first and the last shop."""
    analyst.take(at="2026-03-02T02:00")  # registers the shops
    holder = psycopg.connect(database_url)
    holder.execute(
        "SELECT FROM analytics_snapshot_locations WHERE location_id = any(%s) FOR UPDATE",
        ([shops[0], shops[-1]],),
    )
    return holder


def test_sigterm_ends_every_job(database_url: str, analyst: Analyst, shops: list[UUID]) -> None:
    with held(database_url, shops, analyst):
        run = start(database_url, "--jobs", "3")
        wait_until(lambda: value(database_url, WAITING) == 2)
        # The job between them has nobody to wait for.
        wait_until(lambda: value(database_url, WRITTEN) == 10)
        run.send_signal(signal.SIGTERM)
        _, errors = run.communicate(timeout=10)
        assert run.returncode == 143, errors
        wait_until(lambda: value(database_url, SESSIONS) == 0)
    assert value(database_url, WRITTEN) == 10


def test_lost_connection_ends_every_job(
    database_url: str, analyst: Analyst, shops: list[UUID]
) -> None:
    with held(database_url, shops, analyst):
        run = start(database_url, "--jobs", "3", "--json")
        wait_until(lambda: value(database_url, WAITING) == 2)
        execute(
            database_url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock' LIMIT 1",
        )
        out, errors = run.communicate(timeout=20)
        assert run.returncode == 1
        assert "was lost" in json.loads(out)["error"], errors
        wait_until(lambda: value(database_url, SESSIONS) == 0)
