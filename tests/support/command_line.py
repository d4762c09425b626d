"""The command line as a newcomer starts it, with little more than PATH and HOME in the environment.

TMPDIR is there, too, so that temporary files are where those of the other tests are.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.signals import default_signals

COMMAND = str(Path(sys.executable).with_name("analytics-scheduler"))
STOP_SECONDS = 30
_START_SECONDS = 90
_LEAVE_SECONDS = 10


@contextmanager
def empty_home() -> Iterator[dict[str, str]]:
    """Yield the environment of a newcomer, whose empty home is deleted in the end."""
    with tempfile.TemporaryDirectory(prefix="newcomer-") as home:
        yield {"PATH": os.environ["PATH"], "HOME": home, "TMPDIR": tempfile.gettempdir()}


def started(*arguments: str, environ: dict[str, str]) -> subprocess.Popen[str]:
    """Start a command in a session of its own, with the default handling of signals."""
    with default_signals():
        return subprocess.Popen(
            [COMMAND, *arguments],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )


def first_line(process: subprocess.Popen[str]) -> str:
    """Wait for the first line that a command prints, or fail with its errors."""
    assert process.stdout is not None
    assert process.stderr is not None
    ready, _, _ = select.select([process.stdout], [], [], _START_SECONDS)
    line = process.stdout.readline() if ready else ""
    if not line:
        process.terminate()
        pytest.fail(f"the command printed nothing: {process.stderr.read()}")
    return line


@dataclass(frozen=True, slots=True)
class Process:
    """A live process, with its start time, because a pid can be used again."""

    pid: int
    started: str
    parent: int
    session: int
    command: str


def family_of(home: str) -> set[Process]:
    """Return the live processes that a command with this HOME started, daemons included.

    A process that changed its title has no readable environment: it belongs to the family if its
    parent or its session does.
    """
    everything = {process.pid: process for process in _live_processes()}
    family = {process for process in everything.values() if _has_home(process.pid, home)}
    while True:
        pids = {process.pid for process in family}
        sessions = {process.session for process in family}
        more = {
            process
            for process in everything.values()
            if process.parent in pids or process.session in sessions
        }
        if more <= family:
            return family
        family |= more


def left_of(family: set[Process], home: str) -> list[str]:
    """Return the processes of a family, or of this HOME, that are still there after ten seconds."""
    known = {(process.pid, process.started) for process in family}
    deadline = time.monotonic() + _LEAVE_SECONDS
    while True:
        left = family_of(home) | {
            process for process in _live_processes() if (process.pid, process.started) in known
        }
        if not left or time.monotonic() > deadline:
            return [process.command for process in left]
        time.sleep(0.1)


def _live_processes() -> Iterator[Process]:
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            command = (
                (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            )
        except OSError:
            continue
        if fields[0] != "Z":
            yield Process(int(folder.name), fields[19], int(fields[1]), int(fields[3]), command)


def _has_home(pid: int, home: str) -> bool:
    try:
        return f"HOME={home}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
