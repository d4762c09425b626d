"""The CronJobs of the Kubernetes manifests, beside an Airflow that did its work or did not.

Each container is started as the manifest has it: its command, its arguments and its environment.
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
from tests.support.inventory import Inventory
from tests.support.kubernetes_manifests import command_of, containers, environment_of, jobs

# Stands for readOnlyRootFilesystem, where only /tmp is written to, and for an image in which
# Airflow may not start: a command that opens a file to write or imports Airflow dies of it.
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
    """Two shops that sell a milk a day, for forty days until now."""
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
    """Starts the containers of a manifest's pod, with a Secret that names the test's servers."""

    def __init__(self, folder: Path, secret: dict[str, str]) -> None:
        self.folder, self.secret = folder, secret
        (folder / "sitecustomize.py").write_text(_READ_ONLY)

    def start(self, manifest: str) -> dict[str, tuple[int, dict[str, Any]]]:
        """Return status and report of each container, by its name."""
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
    """Return every snapshot, down to the version of the row in the table."""
    found = connection.execute(
        "SELECT period_type, period_start, location_id, revenue, xmin::text"
        " FROM analytics_snapshots ORDER BY 1, 2, 3"
    ).fetchall()
    connection.rollback()
    return found


def test_the_work_is_found_done_where_airflow_did_it(
    shops: list[UUID],
    cluster: Cluster,
    connection: Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", cluster.secret["database-url"])
    monkeypatch.setenv("REDIS_URL", cluster.secret["redis-url"])
    for period_type in ("monthly", "weekly", "daily"):  # the daily one fills what is between them
        assert set(run_dag(f"{period_type}-snapshot", datetime.now(UTC)).values()) == {"success"}
    before = rows(connection)
    assert {row[0] for row in before} == {"daily", "weekly", "monthly"}

    for status, report in cluster.start("backup-snapshots.yaml").values():
        assert status == 0
        assert (report["written"], report["changed"], report["unchanged"]) == (0, 0, len(shops))
    assert rows(connection) == before


def test_the_work_is_done_where_airflow_did_not(
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


def test_the_next_day_makes_up_for_a_week_that_nobody_composed(
    shops: list[UUID], cluster: Cluster, connection: Connection[Any]
) -> None:
    """Days that a backup filled in are no reason for a week or a month to stay out."""
    cluster.start("backup-snapshots.yaml")
    connection.execute("DELETE FROM analytics_snapshots WHERE period_type <> 'daily'")
    connection.commit()

    started = cluster.start("backup-snapshots.yaml")

    assert {name: report["written"] for name, (_, report) in started.items()} == {
        "daily": 0,
        "weekly": len(shops),
        "monthly": len(shops),
    }


def test_a_cluster_without_a_cache_leaves_the_key_out(
    shops: list[UUID], tmp_path: Path, database_url: str
) -> None:
    cluster = Cluster(tmp_path, {"database-url": database_url})
    assert {status for status, _ in cluster.start("backup-snapshots.yaml").values()} == {0}


def test_a_database_that_is_away_fails_the_job(shops: list[UUID], tmp_path: Path) -> None:
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

    connection.execute("UPDATE analytics_snapshot_migrations SET applied_at = '2020-01-01Z'")
    connection.commit()
    [(status, report)] = cluster.start("health.yaml").values()
    assert status == 1
    assert any("snapshot-retention is overdue" in words for words in report["wrong"])


def test_the_migration_job_is_safe_to_repeat(cluster: Cluster) -> None:
    [(status, report)] = cluster.start("migrate.yaml").values()
    assert (status, report["applied"]) == (0, [])
