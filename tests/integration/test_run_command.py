"""`analytics-scheduler run` as its user sees it: words, JSON, exit status; never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any
from uuid import UUID

import pytest
import redis
from tests.support.inventory import Analyst, Inventory


def run(database_url: str, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    found = subprocess.run(
        [sys.executable, "-m", "analytics_scheduler", "run", *words],
        env={"PATH": os.environ["PATH"], "DATABASE_URL": database_url, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in found.stderr + found.stdout
    return found


@pytest.fixture
def shop(inventory: Inventory) -> UUID:
    found = inventory.location("North")
    milk = inventory.product("2.00", "5.00")
    inventory.move(found, milk, "in", 100, "2026-03-01T08:00")
    inventory.move(found, milk, "out", 3, "2026-03-10T12:00")
    return found


def test_run_command_reports_a_day(database_url: str, analyst: Analyst, shop: UUID) -> None:
    found = run(database_url, "daily", "--date", "2026-03-10")

    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith(
        "daily 2026-03-10..2026-03-10: 1 written, 0 unchanged, 0 failed; 1 movements read in "
    )
    assert str(analyst.row(shop, "2026-03-10")["revenue"]) == "15.00"


def test_run_command_imports_what_it_uses(database_url: str, shop: UUID) -> None:
    """Without a cache and a webhook it needs neither their clients nor Airflow."""
    code = (
        "import sys; from analytics_scheduler.cli import main; status = main(['run', 'daily']);"
        "found = {'airflow', 'redis', 'opentelemetry'} & set(sys.modules);"
        "sys.exit(str(found) if found else status)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={"PATH": os.environ["PATH"], "DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_run_command_reports_range_as_json(database_url: str, analyst: Analyst, shop: UUID) -> None:
    found = run(database_url, "daily", "--from", "2026-03-09", "--to", "2026-03-11", "--json")

    data: dict[str, Any] = json.loads(found.stdout)
    assert (data["success"], data["written"], data["first_day"], data["last_day"]) == (
        True,
        3,
        "2026-03-09",
        "2026-03-11",
    )
    assert analyst.rows("SELECT task, run_id, outcome FROM analytics_snapshot_runs") == [
        ("daily-snapshot", data["run_id"], "success")
    ]


def test_run_command_publishes(
    database_url: str, redis_url: str, analyst: Analyst, shop: UUID
) -> None:
    found = run(database_url, "daily", "--date", "2026-03-10", REDIS_URL=redis_url)

    assert (found.returncode, found.stderr) == (0, "")
    with redis.Redis.from_url(redis_url) as cache:
        assert cache.exists(f"analytics:snapshot:daily:{shop}") == 1


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"REDIS_URL": "redis://:hidden@127.0.0.1:1/0"}, "cannot be reached"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0", "CACHE_PATTERNS": "*"}, "CACHE_PATTERNS"),
    ],
    ids=["redis down", "invalid setting"],
)
def test_run_command_warns_if_not_published(
    database_url: str, analyst: Analyst, shop: UUID, environ: dict[str, str], reason: str
) -> None:
    found = run(database_url, "daily", "--date", "2026-03-10", **environ)

    assert found.returncode == 0
    assert "warning: The latest figures were not published" in found.stderr
    assert reason in found.stderr
    assert "hidden" not in found.stderr
    assert analyst.rows("SELECT outcome FROM analytics_snapshot_runs") == [("success",)]


def test_run_command_exits_1_on_failed_location(
    database_url: str, inventory: Inventory, shop: UUID
) -> None:
    milk = inventory.value("SELECT id FROM products")
    inventory.move(shop, milk, "theft", 1, "2026-03-10T13:00")

    found = run(database_url, "daily", "--date", "2026-03-10")

    assert found.returncode == 1
    assert f"error: North [{shop}] (2026-03-10): 1 movement of unknown type" in found.stderr


@pytest.mark.parametrize(
    ("words", "environ", "message"),
    [
        (["daily", "--date", "10.03.2026"], {}, "must have the form YYYY-MM-DD, got '10.03.2026'"),
        (["daily", "--date", "2026-02-30"], {}, "'2026-02-30' does not exist"),
        (["daily", "--date", "2999-01-01"], {}, "is in the future"),
        (["daily", "--from", "2026-03-01"], {}, "needs both --from and --to"),
        (
            ["daily", "--from", "2026-03-02", "--to", "2026-03-01"],
            {},
            "ends on 2026-03-01, before it starts on 2026-03-02",
        ),
        (["daily", "--from", "2019-01-01", "--to", "2024-01-02"], {}, "longer than 5 years"),
        (
            ["daily", "--date", "2026-03-01", "--from", "2026-03-01", "--to", "2026-03-01"],
            {},
            "give one or the other",
        ),
        (
            ["daily"],
            {"SCHEDULER_TIMEZONE": "Mars/Olympus"},
            "must be an IANA time zone name such as Europe/Berlin, got 'Mars/Olympus'.",
        ),
        (
            ["daily"],
            {"SNAPSHOT_BATCH_SIZE": "many"},
            "must be a whole number from 1 to 100000, got 'many'.",
        ),
        (
            ["daily"],
            {"DATABASE_URL": "postgresql://ann:top-secret@127.0.0.1:1/shop"},
            "host 127.0.0.1 port 1 database shop user ann",
        ),
        (["daily"], {"SOURCE_SCHEMA": "elsewhere"}, "elsewhere"),
    ],
)
def test_run_command_bad_input_one_error(
    database_url: str, words: list[str], environ: dict[str, str], message: str
) -> None:
    found = run(database_url, *words, **{"DATABASE_URL": database_url, **environ})

    assert found.returncode == 1
    assert found.stdout == ""
    assert message in found.stderr
    assert "top-secret" not in found.stderr


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ("DROP TABLE stock_movements", "stock_movements"),
        ("ALTER TABLE products DROP COLUMN cost", "cost"),
        ("ALTER TABLE stock_movements ALTER created_at TYPE text", "created_at"),
        ("DROP TABLE analytics_snapshot_migrations", "analytics-scheduler migrate"),
    ],
)
def test_run_command_broken_source(
    database_url: str, inventory: Inventory, spoil: str, message: str
) -> None:
    inventory.execute(spoil)

    found = run(database_url, "daily")

    assert found.returncode == 1
    assert message in found.stderr
    assert "Run" in found.stderr
