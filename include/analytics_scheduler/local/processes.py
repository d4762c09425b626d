"""Child processes in sessions of their own, and an end of the whole session.

Airflow's task processes leave the process group of their parent, but not its session: the session
is what is stopped.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

_STOP_SECONDS = 15.0
_KILL_SECONDS = 5.0
_POLL_SECONDS = 0.05


def start(
    command: list[str],
    *,
    environ: dict[str, str],
    log: Path,
    stdin: int = subprocess.DEVNULL,
    pass_fds: tuple[int, ...] = (),
) -> subprocess.Popen[bytes]:
    """Start a program in a new session; its output goes to the end of a log file."""
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


def stop_sessions(
    processes: Iterable[subprocess.Popen[bytes]], *, seconds: float = _STOP_SECONDS
) -> None:
    """End every process of the sessions that these lead: first asked, after a while killed."""
    leaders = list(processes)
    for sign, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, _KILL_SECONDS)):
        for member in _members(leaders):
            _signal(member, sign)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            for leader in leaders:
                leader.poll()
            if not _members(leaders):
                return
            time.sleep(_POLL_SECONDS)


def ignore_signals() -> None:
    """Let nothing interrupt the end: what is stopped from here on is stopped in bounded time."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def free_port(preferred: int | None = None) -> int:
    """Return a port of the loopback interface that nobody listens on, the preferred one if so."""
    for wanted in (preferred, 0):
        if wanted is None:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", wanted))
            except OSError:
                continue
            port: int = probe.getsockname()[1]
            return port
    raise OSError("no port of the loopback interface is free")


def _members(leaders: list[subprocess.Popen[bytes]]) -> list[int]:
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
    listed = subprocess.run(  # where there is no /proc, as on macOS
        ["/bin/ps", "-A", "-o", "pid="], capture_output=True, text=True, check=True
    )
    return [int(word) for word in listed.stdout.split()]


def _is_zombie(pid: int) -> bool:
    """Whether a process has ended and only waits for its parent to notice."""
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
