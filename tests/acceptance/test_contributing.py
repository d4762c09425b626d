"""Two examples of the contributing page, done in a scratch copy of the package.

Only the files that the page names are touched. The figure must then be in every place that shows
figures, and the new period type must be written, repaired and waited for like the others.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from textwrap import dedent, indent
from typing import Any
from uuid import UUID

import pytest
import redis
from psycopg import Connection
from tests.support.inventory import Inventory
from tests.support.markdown import REPOSITORY

PACKAGE = REPOSITORY / "include" / "analytics_scheduler"
PAGE = REPOSITORY / "include" / "docs" / "contributing.md"
PLACES = """
import json
from analytics_scheduler.api.snapshots import show_snapshots
from analytics_scheduler.local.stack import latest_snapshots

page = json.loads(show_snapshots({}, "").body)
csv = show_snapshots({"format": "csv"}, "").body.decode()
rows = page["data"]["snapshots"]
print(json.dumps({"json": rows, "csv": csv, "demo": latest_snapshots()}, default=str))
"""


def blocks(section: str, language: str) -> list[str]:
    """Return the blocks of code of a section of the page."""
    text = PAGE.read_text(encoding="utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    found = re.findall(rf"^ *```{language}\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    return [dedent(block) for block in found]


def insert_before(path: Path, marker: str, text: str) -> None:
    before, after = path.read_text(encoding="utf-8").split(marker, 1)
    path.write_text(f"{before}{text}{marker}{after}", encoding="utf-8")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package with both examples of the page; the folder to put on the path."""
    copy = tmp_path / "analytics_scheduler"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    add_figure(copy)
    add_period_type(copy)
    return tmp_path


def add_figure(copy: Path) -> None:
    migration, expression = blocks("Add a figure", "sql")
    [metric] = blocks("Add a figure", "python")
    (copy / "sql" / "migrations" / "0999_add_gross_margin.sql").write_text(migration)
    insert_before(
        copy / "snapshots" / "metrics.py",
        ")\nNAMES = ",
        indent(f"{metric.rstrip().removesuffix(',')},\n", "    "),
    )
    compose = copy / "sql" / "snapshots" / "compose.sql"
    insert_before(
        compose, "        round(closing_e7 * 0.0000001, 2) AS total_inventory_value", expression
    )


def add_period_type(copy: Path) -> None:
    word, dates, schedule, retention, age, coverage = blocks("Add a period type", "python")
    member = "\n    @property\n    def task(self)"
    insert_before(copy / "vocabulary.py", member, indent(word, " " * 4))
    otherwise = (
        "            case _:\n                assert_never(period_type)\n        return Period"
    )
    insert_before(copy / "periods.py", otherwise, indent(dates, " " * 12))
    settings = copy / "settings.py"
    insert_before(settings, '    "cache-cleanup": "0 *', indent(schedule, " " * 4))
    following = "@dataclass(frozen=True, slots=True, kw_only=True)\nclass CacheSettings"
    insert_before(settings, following, indent(retention, " " * 4))
    cutoffs = copy / "retention" / "cutoffs.py"
    insert_before(cutoffs, "    assert_never(period_type)\n", indent(age, " " * 8))
    insert_before(copy / "api" / "coverage.py", "}\n\nCOVERAGE_EXAMPLE", f", {coverage.rstrip()}")


@pytest.fixture
def python(package: Path, database_url: str, redis_url: str) -> Callable[..., Any]:
    """Run Python with the copy of the package, and return the JSON that it prints."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(package),
        "AIRFLOW_HOME": os.environ["AIRFLOW_HOME"],
        "PYTHONPATH": str(package),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
    }

    def run(*arguments: str) -> Any:
        ended = subprocess.run(
            [sys.executable, *arguments],
            check=False,
            env=environ,
            cwd=package,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    return run


@pytest.fixture
def shop(inventory: Inventory) -> UUID:
    found = inventory.location("North")
    milk = inventory.product("2.00", "5.00")
    inventory.move(found, milk, "in", 100, "2026-03-01T08:00")
    inventory.move(found, milk, "out", 4, "2026-03-10T12:00")
    inventory.move(found, milk, "waste", 1, "2026-03-10T13:00")
    return found


def test_figure_of_the_page_is_everywhere(
    python: Callable[..., Any],
    inventory: Inventory,
    connection: Connection[Any],
    redis_url: str,
    shop: UUID,
) -> None:
    command = ("-m", "analytics_scheduler")
    assert python(*command, "migrate", "--json")["version"] == 999

    first = python(*command, "run", "daily", "--date", "2026-03-10", "--json")
    again = python(*command, "run", "daily", "--date", "2026-03-10", "--json")

    # Sold 4 x 5.00 = 20.00; left 5 x 2.00 = 10.00.
    assert (first["written"], again["unchanged"], again["changed"]) == (1, 1, 0)
    assert inventory.value("SELECT gross_margin FROM analytics_snapshots") == Decimal("10.00")
    [milk] = inventory.rows("SELECT id FROM products")
    inventory.move(shop, milk[0], "out", 2, "2026-03-10T15:00")
    repaired = python(*command, "run", "daily", "--date", "2026-03-10", "--json")

    # Two more, each for 5.00 and at 2.00.
    assert repaired["changed"] == 1
    assert inventory.value("SELECT gross_margin FROM analytics_snapshots") == Decimal("16.00")
    [(old, new)] = inventory.rows(
        "SELECT old_figures, new_figures FROM analytics_snapshot_revisions"
    )
    assert (old["gross_margin"], new["gross_margin"]) == (10.00, 16.00)
    assert python(*command, "verify", "--json")["same"] == 1

    places = python("-c", PLACES)
    [row] = places["json"]
    assert row["gross_margin"] == 16.0
    header, line = places["csv"].split()
    assert dict(zip(header.split(","), line.split(","), strict=True))["gross_margin"] == "16.00"
    assert places["demo"][0]["gross_margin"] == "16.00"
    with redis.Redis.from_url(redis_url) as client:
        cached = client.get(f"analytics:snapshot:daily:{shop}")
    assert json.loads(cached or b"{}")["gross_margin"] == "16.00"


def test_period_type_of_the_page_is_like_others(
    python: Callable[..., Any], inventory: Inventory, shop: UUID
) -> None:
    command = ("-m", "analytics_scheduler")
    python(*command, "migrate", "--json")
    for word in ("quarterly", "weekly", "monthly"):
        assert python(*command, "run", word, "--date", "2026-03-10", "--json")["written"] == 1
    quarter = "SELECT period_start, period_end, revenue FROM analytics_snapshots WHERE period_type"
    first, last = date(2026, 1, 1), date(2026, 3, 31)
    assert inventory.rows(quarter + " = 'quarterly'") == [(first, last, Decimal("20.00"))]

    # Two more are booked late, on a day that only the quarter shares with those before.
    [(milk,)] = inventory.rows("SELECT id FROM products")
    inventory.move(shop, milk, "out", 2, "2026-01-15T15:00")
    repaired = python(*command, "run", "daily", "--date", "2026-01-15", "--json")

    assert repaired["composed"] == 3
    assert inventory.rows(quarter + " = 'quarterly'") == [(first, last, Decimal("30.00"))]

    # A day of the quarter before has its week and its month, and waits for its quarter.
    for word in ("daily", "weekly", "monthly"):
        python(*command, "run", word, "--date", "2025-11-11", "--json")
    pruned = python(*command, "prune", "--json")

    assert inventory.rows(
        "SELECT 1 FROM analytics_snapshots"
        " WHERE period_type = 'daily' AND period_start = '2025-11-11'"
    )
    [waiting] = [line for line in pruned["warnings"] if "run quarterly" in line]
    assert "--from 2025-10-01 --to 2025-12-31" in waiting
