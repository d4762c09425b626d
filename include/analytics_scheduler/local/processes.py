"""Child processes in sessions of their own, signals, and free ports.

Airflow's task processes leave their parent's process group but not its session, so what is stopped
is the whole session.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TypeAlias

_STOP_SECONDS = 15.0
_KILL_SECONDS = 5.0
_POLL_SECONDS = 0.05
Leader: TypeAlias = subprocess.Popen[bytes]
"""The first process of a session."""


def start(
    command: list[str],
    *,
    environ: dict[str, str],
    log: Path,
    stdin: int = subprocess.DEVNULL,
    pass_fds: tuple[int, ...] = (),
) -> Leader:
    """Start a program in a new session; its output is appended to a log file."""
    with log.open("ab") as file:
        return subprocess.Popen(
            command,
            env=environ,
            stdin=stdin,
            stdout=file,
            stderr=file,
            pass_fds=pass_fds,
            start_new_session=True,
        )


def stop_sessions(processes: Iterable[Leader], *, seconds: float = _STOP_SECONDS) -> None:
    """End every process of the sessions that these processes lead.

    SIGTERM comes first; what is still there after `seconds` gets SIGKILL.
    """
    leaders = list(processes)
    for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, _KILL_SECONDS)):
        for member in _members(leaders):
            _signal(member, number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            is_over = not _members(leaders)
            # A leader that has ended is a zombie until it is polled, and no member.
            for leader in leaders:
                leader.poll()
            if is_over:
                return
            time.sleep(_POLL_SECONDS)


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into SystemExit, so that every enclosing block is left in order.

    A signal that the program handles or ignores already, as under `nohup`, stays as it is.
    """
    taken: list[signal.Signals] = []
    if threading.current_thread() is threading.main_thread():
        signals = (signal.SIGTERM, signal.SIGHUP)
        taken = [each for each in signals if signal.getsignal(each) is signal.SIG_DFL]

    def leave(number: int, _frame: FrameType | None) -> None:
        for each in taken:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)

    for each in taken:
        signal.signal(each, leave)
    try:
        yield
    finally:
        for each in taken:
            signal.signal(each, signal.SIG_DFL)


def ignore_signals() -> None:
    """Let nothing interrupt a shutdown, which takes a limited time from here on."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def free_port(preferred: int = 0) -> int:
    """Return a port of the loopback interface that nobody uses: the preferred one if possible."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = probe.getsockname()[1]
            return found
    raise OSError("No port of the loopback interface is free.")


def _members(leaders: list[Leader]) -> list[int]:
    """Return the live processes of the sessions; a leader's pid is the id of its session."""
    sessions = {leader.pid for leader in leaders}
    found = []
    for pid in _all_pids():
        try:
            if os.getsid(pid) in sessions and not _is_zombie(pid):
                found.append(pid)
        except (ProcessLookupError, PermissionError):
            continue
    return found


def _all_pids() -> list[int]:
    folder = Path("/proc")
    if (folder / "self").exists():
        return [int(entry.name) for entry in folder.iterdir() if entry.name.isdigit()]
    listed = subprocess.run(  # there is no /proc on macOS
        ["/bin/ps", "-A", "-o", "pid="], capture_output=True, text=True, check=True
    )
    return [int(word) for word in listed.stdout.split()]


def _is_zombie(pid: int) -> bool:
    """Return whether a process has ended, and only its parent has not noticed yet."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    except OSError:
        return False
    return after_name.split()[:1] == ["Z"]


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return
