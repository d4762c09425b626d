"""The benchmark runs, and its yardsticks write the rows that we write; no time is asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.support.markdown import REPOSITORY


def test_quick_benchmark_compares_equal_rows(tmp_path: Path) -> None:
    results = tmp_path / "results.json"

    words = ["--quick", "--rounds", "1", "--json", str(results)]
    subprocess.run([sys.executable, "-m", "tests.benchmarks", *words], cwd=REPOSITORY, check=True)

    found = json.loads(results.read_text())
    compared = [each for each in found if each["differing_rows"] is not None]
    assert {each["yardstick"] for each in compared} == {
        "period.sql",
        "roll_up.sql",
        "range.sql",
        "carried.sql",
    }
    assert all(each["differing_rows"] == 0 for each in compared)
    assert {each["yardstick"] for each in found} >= {"an empty DAG", "SCAN 1000 and pipelines"}
    assert all(each["ratio"] > 0 and each["pairs"] == 1 for each in found)
