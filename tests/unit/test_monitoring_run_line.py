"""A run is one line of key=value fields."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

from analytics_scheduler.memory import peak_memory_mib
from analytics_scheduler.run_records import run_line


def test_a_run_is_one_line_of_fields_with_values_quoted_where_needed() -> None:
    line = run_line(
        task="cache-cleanup",
        run_id="manual run",
        outcome="deferred",
        started_at=datetime(2026, 3, 1, 2, 0, 0, tzinfo=UTC),
        ended_at=datetime(2026, 3, 1, 2, 0, 1, 500_000, tzinfo=UTC),
        report={"outcome": "x", "reason": "away\nnow", "removed": 3, "failures": ["a"], "x": None},
    )
    assert line == (
        "event=run task=cache-cleanup run='manual run' outcome=deferred elapsed_seconds=1.5 "
        "reason='away\\nnow' removed=3"
    )


def test_peak_memory_is_that_of_a_running_python() -> None:
    assert 5 < peak_memory_mib() < 100_000


def test_peak_memory_leaves_out_what_the_parent_held() -> None:
    """A process that a large one starts is counted by itself."""
    ask = "from analytics_scheduler.memory import peak_memory_mib as p; print(p())"
    large = (
        "import subprocess, sys; held = bytearray(400_000_000)\n"
        "subprocess.run([sys.executable, '-c', sys.argv[1]], check=True, close_fds=False)"
    )
    told = subprocess.run(
        [sys.executable, "-c", large, ask], check=True, capture_output=True, text=True
    ).stdout
    assert 5 < float(told) < 200
