"""`analytics-scheduler demo` for someone who has nothing but Python and this checkout."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.command_line import Process, empty_home, family_of, left_of, started

DAG_FILES = Path(__file__).parents[2] / "dags"
DEMO_SECONDS = 100


@pytest.fixture(scope="module")
def newcomer() -> Iterator[dict[str, str]]:
    with empty_home() as environ:
        yield environ


@pytest.fixture(scope="module")
def first_run(newcomer: dict[str, str]) -> tuple[int, str, str]:
    """Run the demo once for all that look at it."""
    with started("demo", environ=newcomer) as demo:
        out, err = demo.communicate(timeout=DEMO_SECONDS)
    return demo.returncode, out, err


def test_every_dag_succeeds(first_run: tuple[int, str, str]) -> None:
    status, out, err = first_run
    assert status == 0, err
    for file in DAG_FILES.glob("*.py"):
        name = file.stem.replace("_", "-")
        assert f"\n    {name:<20}success" in out


def test_it_says_what_it_does_and_what_to_do_next(first_run: tuple[int, str, str]) -> None:
    _, out, err = first_run
    assert "PostgreSQL embedded, Redis embedded" in out
    assert "Sample data: 12 shops, 60 products, " in out
    assert "analytics-scheduler up" in out
    log = Path(out.split("Airflow's own log: ")[1].splitlines()[0])
    assert "daily-snapshot" in log.read_text()
    assert err == ""


def test_the_figures_stand_in_one_table_for_each_period(first_run: tuple[int, str, str]) -> None:
    _, out, _ = first_run
    for period_type in ("daily", "weekly", "monthly"):
        table = out.split(f"{period_type} snapshots, ")[1].split("snapshots, ")[0]
        heading = next(line for line in table.splitlines() if "Revenue" in line)
        rows = [line for line in table.splitlines() if line.count(".") >= 6]
        assert len(rows) == 12
        # Right-aligned: a row's revenue ends where its heading does; wide letters count twice.
        ends = {row.rstrip()[-1].isdigit() for row in rows}
        assert ends == {True}
        assert heading.rstrip().endswith("Waste %")


def test_nothing_is_left_running(first_run: tuple[int, str, str], newcomer: dict[str, str]) -> None:
    assert left_of(set(), newcomer["HOME"]) == []


def test_json_is_one_object_and_nothing_else(
    first_run: tuple[int, str, str], newcomer: dict[str, str]
) -> None:
    with started("demo", "--json", environ=newcomer) as demo:
        # Seen while it runs, so that the search for what is left is known to find something.
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
    assert any("postgres" in process.words for process in family)
    assert left_of(family, newcomer["HOME"]) == []


def wait_for_part(part: str, home: str) -> set[Process]:
    deadline = time.monotonic() + DEMO_SECONDS
    while time.monotonic() < deadline:
        family = family_of(home)
        if any(part in process.words for process in family):
            return family
        time.sleep(0.1)
    pytest.fail(f"{part} was never seen")
