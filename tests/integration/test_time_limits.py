"""A run ends in time, whatever other sessions, the server and the network do."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from tests.support.database import rows, value
from tests.support.documented_source import role_of
from tests.support.inventory import Analyst, Inventory
from tests.support.silent_proxy import SilentProxy, silent_proxy
from tests.support.waiting import wait_until

from analytics_scheduler.database import connected, time_limit
from analytics_scheduler.errors import (
    DatabaseRefusedError,
    DatabaseUnavailableError,
    TimeUpError,
)
from analytics_scheduler.settings import DatabaseSettings
from analytics_scheduler.snapshots import recording

GRANTS_ON_COLUMNS = """
GRANT SELECT (id, name, is_active) ON locations TO {0};
GRANT SELECT (id, cost, price) ON products TO {0};
GRANT SELECT (product_id, location_id, quantity) ON inventory_items TO {0};
GRANT SELECT (product_id, location_id, quantity, type, created_at) ON stock_movements TO {0};
GRANT SELECT, INSERT, UPDATE ON analytics_snapshots, analytics_snapshot_adopted,
analytics_snapshot_days, analytics_snapshot_locations, analytics_snapshot_migrations,
analytics_snapshot_prices, analytics_snapshot_revisions TO {0}
"""
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"


@pytest.fixture
def shops(inventory: Inventory) -> list[UUID]:
    """Thirty shops in the order of their ids, which have rows since the first of the month."""
    found = sorted(inventory.location(f"Shop {number}") for number in range(30))
    milk = inventory.product("2.00", "5.00")
    for shop in found:
        inventory.move(shop, milk, "in", 100, "2026-03-01T08:00")
    return found


@pytest.fixture
def impatient(analyst: Analyst) -> Analyst:
    """Somebody who waits for a lock no longer than a second."""
    return replace(analyst, database=replace(analyst.database, lock_timeout_seconds=1))


@pytest.fixture
def proxy(database_url: str) -> Iterator[SilentProxy]:
    server = conninfo_to_dict(database_url)
    with silent_proxy(str(server["host"]), int(server.get("port") or 5432)) as proxy:
        yield proxy


def through(proxy: SilentProxy, database_url: str) -> str:
    parts = urlsplit(database_url)
    user = parts.netloc.rpartition("@")[0]
    return parts._replace(netloc=f"{user}@127.0.0.1:{proxy.port}", query="").geturl()


@pytest.fixture(params=[False, True], ids=["driver", "airflow"])
def through_airflow(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_session_ends_if_its_client_is_frozen(
    database_settings: DatabaseSettings, through_airflow: bool
) -> None:
    with connected(database_settings, through_airflow=through_airflow) as connection:
        found = {
            name: connection.execute(f"SHOW {name}").fetchone()
            for name in ("idle_in_transaction_session_timeout", "jit")
        }
        network = connection.info.get_parameters()
    assert found == {"idle_in_transaction_session_timeout": ("1min",), "jit": ("off",)}
    assert (network["keepalives_idle"], network["tcp_user_timeout"]) == ("30", "60000")


def test_url_may_choose_its_network_options(database_url: str) -> None:
    parts = urlsplit(database_url)
    query = "&".join(filter(None, [parts.query, "keepalives_idle=7"]))
    settings = DatabaseSettings.load({"DATABASE_URL": parts._replace(query=query).geturl()})
    with connected(settings) as connection:
        assert connection.info.get_parameters()["keepalives_idle"] == "7"


def test_run_ends_when_its_time_is_up(
    database_url: str, analyst: Analyst, shops: list[UUID]
) -> None:
    """Somebody holds the 25th shop, so the third batch of ten would wait for ever."""
    analyst.take(at="2026-03-02T02:00")
    hasty = replace(
        analyst,
        database=replace(analyst.database, task_timeout_seconds=2),
        environ=(("SNAPSHOT_BATCH_SIZE", "10"),),
    )
    with psycopg.connect(database_url) as holder:
        holder.execute(
            "SELECT FROM analytics_snapshot_locations WHERE location_id = %s FOR UPDATE",
            (shops[24],),
        )
        with pytest.raises(TimeUpError, match=r"2 seconds was reached .* 20 locations: 20 rows"):
            hasty.take(at="2026-03-11T02:00", day="2026-03-10")
    analyst.connection.rollback()
    written = "SELECT count(*) FROM analytics_snapshots WHERE period_start = '2026-03-10'"
    assert value(database_url, written) == 20


def test_time_limit_cuts_a_silent_connection(database_url: str, proxy: SilentProxy) -> None:
    settings = DatabaseSettings.load({"DATABASE_URL": through(proxy, database_url)})
    started = time.monotonic()

    def sleep_through_silence() -> None:
        with connected(settings) as connection, time_limit(connection, 1):
            connection.execute("SELECT 1")
            proxy.is_silent.set()
            connection.execute("SELECT pg_sleep(120)")

    with pytest.raises(DatabaseUnavailableError, match="was lost"):
        sleep_through_silence()
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("ending", [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=str)
@pytest.mark.usefixtures("shops")
def test_signal_ends_a_run_on_a_silent_network(
    database_url: str,
    analyst: Analyst,
    proxy: SilentProxy,
    jobs: str,
    ending: tuple[signal.Signals, int],
) -> None:
    signal_sent, status = ending
    analyst.take(at="2026-03-02T02:00")
    with psycopg.connect(database_url) as holder:
        holder.execute("SELECT FROM analytics_snapshot_locations FOR UPDATE")
        run = subprocess.Popen(
            [sys.executable, "-m", "analytics_scheduler", "run", "daily", "--jobs", jobs],
            env={"PATH": os.environ["PATH"], "DATABASE_URL": through(proxy, database_url)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_until(lambda: value(database_url, WAITING) == int(jobs))
        proxy.is_silent.set()
        started = time.monotonic()
        run.send_signal(signal_sent)
        _, errors = run.communicate(timeout=30)
    assert run.returncode == status, errors
    assert time.monotonic() - started < 5  # a second to cancel, and the end of the process


def test_time_limit_counts_the_rows_of_all_jobs(
    database_url: str, analyst: Analyst, shops: list[UUID]
) -> None:
    """The last shop is held, so that the second job waits, and the first writes its fifteen."""
    analyst.take(at="2026-03-02T02:00")
    with psycopg.connect(database_url) as holder:
        holder.execute(
            "SELECT FROM analytics_snapshot_locations WHERE location_id = %s FOR UPDATE",
            (shops[-1],),
        )
        run = subprocess.run(
            [sys.executable, "-m", "analytics_scheduler", "run", "daily", "--jobs", "2"],
            env={
                "PATH": os.environ["PATH"],
                "DATABASE_URL": database_url,
                "TASK_TIMEOUT_SECONDS": "3",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert run.returncode == 1
    assert "after 15 locations: 15 rows written" in run.stderr


def test_time_limit_covers_the_preparation(database_url: str, analyst: Analyst) -> None:
    hasty = replace(analyst, database=replace(analyst.database, task_timeout_seconds=1))
    with psycopg.connect(database_url) as holder:
        holder.execute("LOCK TABLE analytics_snapshot_migrations IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(TimeUpError, match="before anything was read"):
            hasty.take(at="2026-03-11T02:00")


def test_recording_has_a_limit_of_its_own(
    analyst: Analyst, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("analytics_scheduler.snapshots.run._SECONDS_TO_RECORD", 1)
    report = analyst.take(at="2026-03-11T02:00")
    with (
        pytest.raises(TimeUpError, match=r"1 second was reached \(to record the run\), after 0"),
        recording(analyst.connection, report),
    ):
        analyst.connection.execute("SELECT pg_sleep(60)")


@pytest.mark.parametrize(
    "table",
    [
        "locations",
        "stock_movements",
        "inventory_items",
        "analytics_snapshots",
        "analytics_snapshot_adopted",
        "analytics_snapshot_days",
        "analytics_snapshot_locations",
        "analytics_snapshot_revisions",
    ],
)
@pytest.mark.parametrize("source", ["tables", "materialized view", "rights on columns"])
@pytest.mark.usefixtures("shops")
def test_locked_table_is_no_fault_of_locations(
    database_url: str,
    impatient: Analyst,
    caplog: pytest.LogCaptureFixture,
    table: str,
    source: str,
) -> None:
    if source == "materialized view":
        impatient.execute("ALTER TABLE products RENAME TO goods")
        impatient.execute("CREATE MATERIALIZED VIEW products AS SELECT * FROM goods")
    with role_of(database_url) as (role, _), caplog.at_level(logging.WARNING):
        if source == "rights on columns":
            impatient.execute(GRANTS_ON_COLUMNS.format(role))
            impatient.execute(f"SET ROLE {role}")
        with psycopg.connect(database_url) as holder:
            holder.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(DatabaseRefusedError, match=f"locked a whole table: .*{table}"):
                impatient.take(at="2026-03-11T02:00", day="2026-03-10")
        impatient.execute("RESET ROLE")
    assert " failed (" not in caplog.text


@pytest.mark.usefixtures("shops")
def test_rows_locked_everywhere_end_the_run(
    database_url: str, analyst: Analyst, impatient: Analyst
) -> None:
    """Three shops are tried for a second each, not thirty."""
    analyst.take(at="2026-03-11T02:00", day="2026-03-10")
    analyst.execute("UPDATE analytics_snapshots SET revenue = 1")
    with psycopg.connect(database_url) as holder:
        holder.execute("SELECT FROM analytics_snapshots FOR UPDATE")
        with pytest.raises(DatabaseRefusedError, match="3 locations in a row"):
            impatient.take(at="2026-03-11T03:00", day="2026-03-10")


@pytest.mark.usefixtures("shops")
def test_locked_prices_end_the_run(database_url: str, impatient: Analyst) -> None:
    with psycopg.connect(database_url) as holder:
        holder.execute("LOCK TABLE products IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(DatabaseRefusedError, match=r"locked a whole table: public\.products"):
            impatient.take(at="2026-03-11T02:00")


@pytest.mark.usefixtures("shops")
def test_batch_that_lost_is_tried_again_whole(
    database_url: str, analyst: Analyst, impatient: Analyst, caplog: pytest.LogCaptureFixture
) -> None:
    analyst.take(at="2026-03-11T02:00", day="2026-03-10")
    analyst.execute("UPDATE analytics_snapshots SET revenue = 1")
    holder = psycopg.connect(database_url)
    holder.execute("SELECT FROM analytics_snapshots FOR UPDATE")

    def release_after_first_failure() -> None:
        wait_until(lambda: "attempt 1" in caplog.text)
        holder.close()

    with caplog.at_level(logging.WARNING):
        thread = threading.Thread(target=release_after_first_failure)
        thread.start()
        report = impatient.take(at="2026-03-11T03:00", day="2026-03-10")
        thread.join()
    assert (report.outcome, report.changed) == ("success", 30)
    assert caplog.text.count(" failed (") == 1
    assert rows(database_url, "SELECT DISTINCT revenue FROM analytics_snapshots") == [(0,)]
