"""`analytics-scheduler demo` for someone who has only Python and this checkout."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.command_line import Process, empty_home, family_of, left_of, started

from analytics_scheduler.snapshots.metrics import METRICS, NAMES
from analytics_scheduler.vocabulary import PeriodType

DAG_FILES = Path(__file__).parents[2] / "dags"
DEMO_SECONDS = 100


@pytest.fixture(scope="module")
def newcomer() -> Iterator[dict[str, str]]:
    with empty_home() as environ:
        yield environ


@pytest.fixture(scope="module")
def first_run(newcomer: dict[str, str]) -> tuple[int, str, str]:
    """Run the demo once for several tests; return its status and output."""
    with started("demo", environ=newcomer) as demo:
        out, err = demo.communicate(timeout=DEMO_SECONDS)
    return demo.returncode, out, err


def test_every_dag_succeeds(first_run: tuple[int, str, str]) -> None:
    status, out, err = first_run
    assert status == 0, err
    for file in DAG_FILES.glob("*.py"):
        name = file.stem.replace("_", "-")
        assert f"\n    {name:<20}success" in out


def test_it_says_what_to_do_next(first_run: tuple[int, str, str]) -> None:
    _, out, err = first_run
    assert "PostgreSQL embedded, Redis embedded" in out
    assert "Sample data: 12 shops, 60 products, " in out
    assert "analytics-scheduler up" in out
    log = Path(out.split("Airflow's own log: ")[1].splitlines()[0])
    assert "daily-snapshot" in log.read_text()
    assert err == ""


def test_each_period_type_has_a_table(first_run: tuple[int, str, str]) -> None:
    """With a column for each figure of metrics.py, under its name."""
    _, out, _ = first_run
    decimals = sum(metric.sql_type.startswith("numeric") for metric in METRICS)
    for period_type in PeriodType:
        table = out.split(f"{period_type} snapshots, ")[1].split("snapshots, ")[0]
        heading, _, body = table.partition("\u2500")
        words = Counter(heading.split())
        for metric in METRICS:
            assert Counter(metric.name.capitalize().split("_")) <= words
        rows = [line.split() for line in body.splitlines() if line.count(".") >= decimals]
        assert len(rows) == 12
        for row in rows:
            figures = row[-len(METRICS) :]
            assert all(re.fullmatch(r"[\d,]+(\.\d\d)?", figure) for figure in figures), row


def test_nothing_is_left_running(first_run: tuple[int, str, str], newcomer: dict[str, str]) -> None:
    assert left_of(set(), newcomer["HOME"]) == []


def test_json_is_one_object_and_nothing_else(
    first_run: tuple[int, str, str], newcomer: dict[str, str]
) -> None:
    with started("demo", "--json", environ=newcomer) as demo:
        # Seen while it runs, so that the search for leftovers is known to find something.
        family = wait_for_part("dag_runs", newcomer["HOME"])
        out, err = demo.communicate(timeout=DEMO_SECONDS)
    assert (demo.returncode, err) == (0, "")
    report = json.loads(out)
    assert report["success"] is True
    assert {run["dag"]: run["state"] for run in report["dags"]} == {
        file.stem.replace("_", "-"): "success" for file in DAG_FILES.glob("*.py")
    }
    assert report["sample"]["locations"] == 12
    weekly = [row for row in report["snapshots"] if row["period_type"] == "weekly"]
    assert len({row["location_name"] for row in weekly}) == 12
    assert float(weekly[0]["revenue"]) > 0
    assert set(weekly[0]) >= set(NAMES)
    assert any("postgres" in process.command for process in family)
    assert left_of(family, newcomer["HOME"]) == []


def wait_for_part(part: str, home: str) -> set[Process]:
    deadline = time.monotonic() + DEMO_SECONDS
    while time.monotonic() < deadline:
        family = family_of(home)
        if any(part in process.command for process in family):
            return family
        time.sleep(0.1)
    pytest.fail(f"{part} was never seen")
