"""Child processes in their own sessions, signals, and free ports."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import psutil
import pytest
from tests.support.signals import default_signals

from analytics_scheduler.local import processes
from analytics_scheduler.local.processes import free_port, start, stop_sessions


def is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_session_ends_with_its_children(tmp_path: Path) -> None:
    leader = start(
        ["sh", "-c", "sleep 300 & sleep 300 & wait"],
        environ=dict(os.environ),
        log=tmp_path / "log",
    )
    deadline = time.monotonic() + 10
    while len(children := psutil.Process(leader.pid).children()) < 2:
        assert time.monotonic() < deadline
    stop_sessions([leader])
    assert leader.returncode == -signal.SIGTERM
    assert [child for child in children if is_alive(child)] == []


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    leader = start(
        ["sh", "-c", "trap '' TERM; echo ready; sleep 300"], environ=dict(os.environ), log=log
    )
    while not log.read_text():
        time.sleep(0.01)
    stop_sessions([leader], seconds=0.1)
    assert leader.returncode == -signal.SIGKILL


def test_a_leader_is_reaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if it ends just before its session is looked at for the last time."""
    leader = start(["sleep", "300"], environ=dict(os.environ), log=tmp_path / "log")
    look = processes._members

    def look_late(leaders: list[processes.Leader]) -> list[int]:
        time.sleep(0.3)
        return look(leaders)

    monkeypatch.setattr(processes, "_members", look_late)
    stop_sessions([leader])
    assert leader.returncode == -signal.SIGTERM


def test_a_preferred_port_is_used_if_it_is_free() -> None:
    wanted = free_port()
    assert free_port(wanted) == wanted
    with socket.socket() as other:
        other.bind(("127.0.0.1", wanted))
        other.listen()
        assert free_port(wanted) != wanted


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_a_child_starts_with_default_signals(tmp_path: Path, number: signal.Signals) -> None:
    """Also if the tests ignore the signal, as they ignore SIGHUP under `nohup`."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with default_signals():
            child = start(["sleep", "300"], environ=dict(os.environ), log=tmp_path / "log")
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)
    child.send_signal(number)
    assert child.wait(10) == -number
