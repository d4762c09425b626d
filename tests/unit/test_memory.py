"""The peak memory of a process."""

from __future__ import annotations

import subprocess
import sys

from analytics_scheduler.memory import peak_memory_mib


def test_peak_memory_is_that_of_a_running_python() -> None:
    assert 5 < peak_memory_mib() < 100_000


def test_peak_memory_excludes_the_parent() -> None:
    """A process that a large one starts is counted by itself."""
    print_peak = "from analytics_scheduler.memory import peak_memory_mib as p; print(p())"
    large_parent = (
        "import subprocess, sys; held = bytearray(400_000_000)\n"
        "subprocess.run([sys.executable, '-c', sys.argv[1]], check=True, close_fds=False)"
    )
    printed = subprocess.run(
        [sys.executable, "-c", large_parent, print_peak],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert 5 < float(printed) < 200
