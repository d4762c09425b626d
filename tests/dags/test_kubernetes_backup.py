"""The jobs of the Kubernetes manifests, after Airflow has done its work, and after it has not.

Each container runs with the command, the arguments and the environment of its manifest.
"""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection
from tests.support.dag_runs import run_dag
from tests.support.database import Database
from tests.support.inventory import Inventory
from tests.support.kubernetes_manifests import command_of, containers, environment_of, jobs

# Stands for readOnlyRootFilesystem, and for an image in which Airflow cannot start: a command that
# opens a file for writing, or imports Airflow, fails.
_READ_ONLY = """
import os
import sys

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT

def refuse(event, arguments):
    if event == "open" and arguments[2] & WRITING and arguments[0] != os.devnull:
        raise PermissionError(f"read-only file system: {arguments[0]}")
    elif event in ("os.mkdir", "os.rename", "os.remove", "os.symlink", "os.truncate"):
        raise PermissionError(f"read-only file system: {event} {arguments[0]}")
    elif event == "import" and arguments[0].partition(".")[0] == "airflow":
        raise PermissionError("Airflow is imported")

sys.dont_write_bytecode = True
sys.addaudithook(refuse)
"""


@pytest.fixture
def shops(inventory: Inventory) -> list[UUID]:
    """Two shops that have sold one milk a day for forty days."""
    milk = inventory.product("2.00", "5.00")
    found = [inventory.location("North"), inventory.location("South")]
    now = datetime.now(UTC)
    for shop in found:
        inventory.move(shop, milk, "in", 100, now - timedelta(days=40))
        for day in range(40):
            inventory.move(shop, milk, "out", 1, now - timedelta(days=day, hours=1))
    return found


@pytest.fixture
def inventory(connection: Connection[Any]) -> Inventory:
    return Inventory(connection)


class Cluster:
    """Runs the containers of a manifest, with a Secret that names the test's servers."""

    def __init__(self, folder: Path, secret: dict[str, str]) -> None:
        self.folder, self.secret = folder, secret
        (folder / "sitecustomize.py").write_text(_READ_ONLY)

    def start(self, manifest: str) -> dict[str, tuple[int, dict[str, Any]]]:
        """Return the exit status and the report of each container, by name."""
        return {
            container["name"]: self._run(container) for container in containers(jobs()[manifest])
        }

    def _run(self, container: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        ended = subprocess.run(
            command_of(container),
            env={
                "PATH": f"{sysconfig.get_path('scripts')}:{os.defpath}",
                "PYTHONPATH": str(self.folder),
                "HOME": str(self.folder / "there-is-none"),
                **environment_of(container, self.secret),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.stdout, ended.stderr
        return ended.returncode, json.loads(ended.stdout)


@pytest.fixture
def cluster(tmp_path: Path, database_url: str, redis_url: str) -> Cluster:
    return Cluster(tmp_path, {"database-url": database_url, "redis-url": redis_url})


def rows(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    """Return every snapshot, with the version of its row."""
    return Database(connection).rows(
        "SELECT period_type, period_start, location_id, revenue, xmin::text"
        " FROM analytics_snapshots ORDER BY 1, 2, 3"
    )


def test_the_backup_finds_the_work_done(
    shops: list[UUID],
    cluster: Cluster,
    connection: Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", cluster.secret["database-url"])
    monkeypatch.setenv("REDIS_URL", cluster.secret["redis-url"])
    for period_type in ("monthly", "weekly", "daily"):  # the daily run fills the days between
        assert set(run_dag(f"{period_type}-snapshot", datetime.now(UTC)).values()) == {"success"}
    before = rows(connection)
    assert {row[0] for row in before} == {"daily", "weekly", "monthly"}

    for status, report in cluster.start("backup-snapshots.yaml").values():
        assert status == 0
        assert (report["written"], report["changed"], report["unchanged"]) == (0, 0, len(shops))
    assert rows(connection) == before


def test_the_backup_does_the_work(
    shops: list[UUID], cluster: Cluster, connection: Connection[Any]
) -> None:
    for status, report in cluster.start("backup-snapshots.yaml").values():
        assert status == 0
        assert (report["written"], report["changed"]) == (len(shops), 0)

    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    written = {(row[0], row[1], row[2]): row[3] for row in rows(connection)}
    assert [str(written["daily", yesterday, shop]) for shop in shops] == ["5.00", "5.00"]
    weeks = [revenue for (period_type, _, _), revenue in written.items() if period_type == "weekly"]
    assert [str(revenue) for revenue in weeks] == ["35.00", "35.00"]
    assert sum(period_type == "monthly" for period_type, _, _ in written) == len(shops)


def test_the_next_backup_composes_a_missing_week(
    shops: list[UUID], cluster: Cluster, connection: Connection[Any]
) -> None:
    """Although the days of the week exist: an earlier backup wrote them."""
    cluster.start("backup-snapshots.yaml")
    Database(connection).execute("DELETE FROM analytics_snapshots WHERE period_type <> 'daily'")

    started = cluster.start("backup-snapshots.yaml")

    assert {name: report["written"] for name, (_, report) in started.items()} == {
        "daily": 0,
        "weekly": len(shops),
        "monthly": len(shops),
    }


def test_a_cluster_needs_no_cache(shops: list[UUID], tmp_path: Path, database_url: str) -> None:
    cluster = Cluster(tmp_path, {"database-url": database_url})
    assert {status for status, _ in cluster.start("backup-snapshots.yaml").values()} == {0}


def test_an_unreachable_database_fails_the_job(shops: list[UUID], tmp_path: Path) -> None:
    away = "postgresql://scheduler:s3cret@127.0.0.1:1/shop"
    cluster = Cluster(tmp_path, {"database-url": away})
    started = cluster.start("backup-snapshots.yaml")
    assert {status for status, _ in started.values()} == {1}
    assert "s3cret" not in json.dumps([report for _, report in started.values()])


def test_the_health_job_fails_when_a_task_is_overdue(
    shops: list[UUID], cluster: Cluster, connection: Connection[Any]
) -> None:
    cluster.start("backup-snapshots.yaml")
    [(status, _)] = cluster.start("health.yaml").values()
    assert status == 0

    Database(connection).execute(
        "UPDATE analytics_snapshot_migrations SET applied_at = '2020-01-01Z'"
    )
    [(status, report)] = cluster.start("health.yaml").values()
    assert status == 1
    assert any("snapshot-retention is overdue" in words for words in report["wrong"])


def test_the_migration_job_is_safe_to_repeat(cluster: Cluster) -> None:
    [(status, report)] = cluster.start("migrate.yaml").values()
    assert (status, report["applied"]) == (0, [])
