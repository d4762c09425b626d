"""The metrics of a run arrive at a StatsD receiver, through Airflow's own client."""

from __future__ import annotations

import gc
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from psycopg import Connection
from tests.support.dag_runs import load_dag, run_dag
from tests.support.inventory import Inventory
from tests.support.task_runs import finished_run

from analytics_scheduler.local.processes import free_port
from analytics_scheduler.orchestration.metrics import emit_run

# Airflow never closes its StatsD client.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    from airflow.sdk.observability import stats
    from airflow.sdk.observability.metrics import stats_utils

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_ON", "True")
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_HOST", "127.0.0.1")
        monkeypatch.setenv("AIRFLOW__METRICS__STATSD_PORT", str(server.getsockname()[1]))
        stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)
        yield server
    monkeypatch.undo()
    stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)
    # Collect the unclosed client here, not in some other test.
    gc.collect()


def received(server: socket.socket, task: str, last: str) -> dict[str, str]:
    """Return the metrics of a task, as soon as the last of them has arrived."""
    found: dict[str, str] = {}
    while last not in found:
        for line in server.recv(65_536).decode().splitlines():
            name, _, value = line.partition(":")
            found[name.removeprefix(f"airflow.analytics_scheduler.{task}.")] = value
    return found


def everything_received(server: socket.socket) -> list[str]:
    """Return all lines until none arrives for a while."""
    lines: list[str] = []
    server.settimeout(0.3)
    try:
        while True:
            lines += server.recv(65_536).decode().splitlines()
    except TimeoutError:
        return lines


def test_snapshot_run_sends_counts_and_duration(
    receiver: socket.socket,
    connection: Connection[tuple[object, ...]],
    named_servers: None,
) -> None:
    inventory = Inventory(connection)
    north, milk = inventory.location("North"), inventory.product()
    inventory.location("South")
    inventory.move(north, milk, "in", 7, "2026-05-19T08:00")

    run_dag("daily-snapshot", datetime(2026, 5, 20, 2, 0, 7, tzinfo=UTC))

    found = received(receiver, "daily-snapshot", "movements_read")
    assert (found["runs.success"], found["rows_written"]) == ("1|c", "2|c")
    assert found["movements_read"] == "1|c"
    assert found["duration"].endswith("|ms")
    assert 0 < float(found["duration"].removesuffix("|ms")) < 60_000
    assert "lateness_seconds" not in found


def test_emit_run_sends_lateness_and_counts(
    receiver: socket.socket,
) -> None:
    scheduled = datetime.now(UTC) - timedelta(minutes=3)
    dag_run = SimpleNamespace(run_type="scheduled", logical_date=scheduled, run_after=scheduled)
    context: Any = {"dag_run": dag_run}
    run = finished_run(task="cache-cleanup", removed=4, rows_pruned=9, scanned=50)

    emit_run(context, run)

    found = received(receiver, "cache-cleanup", "rows_pruned")
    assert (found["entries_removed"], found["rows_pruned"]) == ("4|c", "9|c")
    assert 180 <= float(found["lateness_seconds"].removesuffix("|g")) < 190
    assert "scanned" not in found


def test_run_sends_overdue_for_each_task(
    receiver: socket.socket,
    inventory: Inventory,
    named_servers: None,
) -> None:
    load_dag("daily-snapshot")
    inventory.execute("UPDATE analytics_snapshot_migrations SET applied_at = '2020-01-01Z'")

    run_dag("cache-cleanup", datetime(2026, 5, 21, 2, 0, 7, tzinfo=UTC))

    assert received(receiver, "daily-snapshot", "overdue")["overdue"] == "1|g"
    assert received(receiver, "cache-cleanup", "overdue")["overdue"] == "0|g"


@pytest.mark.parametrize(("minute", "is_away"), [(0, False), (1, True)])
def test_run_that_fails_early_is_counted_once(
    receiver: socket.socket,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    *,
    minute: int,
    is_away: bool,
) -> None:
    away = f"postgresql://shop@127.0.0.1:{free_port()}/none"
    monkeypatch.setenv("DATABASE_URL", away if is_away else database_url)

    run_dag("daily-snapshot", datetime(2026, 5, 22, 2, minute, 7, tzinfo=UTC), date="2099-01-01")

    lines = everything_received(receiver)
    assert [line for line in lines if "daily-snapshot.runs." in line] == [
        "airflow.analytics_scheduler.daily-snapshot.runs.failed:1|c"
    ]


def test_emit_run_survives_a_missing_receiver(
    receiver: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk.observability import stats
    from airflow.sdk.observability.metrics import stats_utils

    monkeypatch.setenv("AIRFLOW__METRICS__STATSD_HOST", "nowhere.invalid")
    stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)
    context: Any = {"dag_run": SimpleNamespace(run_type="manual")}

    emit_run(context, finished_run(task="cache-cleanup", removed=4))

    receiver.settimeout(0.05)
    with pytest.raises(TimeoutError):
        receiver.recv(100)
