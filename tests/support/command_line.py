"""The real command line, started as a newcomer would: nothing in the environment but PATH, HOME."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

COMMAND = str(Path(sys.executable).with_name("analytics-scheduler"))
_LEAVE_SECONDS = 10


@contextmanager
def empty_home() -> Iterator[dict[str, str]]:
    """Give the environment of a newcomer, with a home that is empty and goes with the block."""
    with tempfile.TemporaryDirectory(prefix="newcomer-") as home:
        yield {"PATH": os.environ["PATH"], "HOME": home}


def started(*words: str, environ: dict[str, str]) -> subprocess.Popen[str]:
    """Start a command in a session of its own."""
    return subprocess.Popen(
        [COMMAND, *words],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@dataclass(frozen=True, slots=True)
class Process:
    """A live process; with the moment of its start, since numbers are given again."""

    pid: int
    started: str
    parent: int
    session: int
    words: str


def family_of(home: str) -> set[Process]:
    """Return the live processes that a command with this HOME started, daemons included.

    One that changed its title has no environment to be known by: it is known by its parent or
    its session.
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
    """Return who of a family, or came to it later, is still there after a moment of grace."""
    known = {(process.pid, process.started) for process in family}
    deadline = time.monotonic() + _LEAVE_SECONDS
    while True:
        left = family_of(home) | {
            process for process in _live_processes() if (process.pid, process.started) in known
        }
        if not left or time.monotonic() > deadline:
            return [process.words for process in left]
        time.sleep(0.1)


def _live_processes() -> Iterator[Process]:
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if fields[0] != "Z":
            yield Process(int(folder.name), fields[19], int(fields[1]), int(fields[3]), words)


def _has_home(pid: int, home: str) -> bool:
    try:
        return f"HOME={home}".encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return False
