"""Publishing ends at its deadline, whatever Redis and the database do."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from tests.support.database import rows
from tests.support.snapshots import StoredSnapshots
from tests.support.unhelpful_server import unhelpful_server
from tests.support.waiting import wait_until

from analytics_scheduler.cache import publish
from analytics_scheduler.cache.publish import publish_figures
from analytics_scheduler.errors import CacheUnavailableError, DatabaseRefusedError
from analytics_scheduler.queries import Queries
from analytics_scheduler.settings import CacheSettings, DatabaseSettings
from analytics_scheduler.vocabulary import PeriodType

# Much longer than the deadline, much shorter than the limits of the driver and its retries.
GENEROUS_SECONDS = 8
STATES = (
    "SELECT state FROM pg_stat_activity WHERE datname = current_database()"
    " AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)
HANGS_OR_DRIPS = pytest.mark.parametrize("answer", [b"", b"+"], ids=["hangs", "drips"])


@pytest.fixture(autouse=True)
def deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "SECONDS_TO_PUBLISH", 1.0)
    monkeypatch.delenv("AIRFLOW_CONN_ANALYTICS_CACHE", raising=False)


@pytest.fixture
def queries(
    connection: Connection[Any], database_settings: DatabaseSettings, stored: StoredSnapshots
) -> Queries:
    stored.snapshot(stored.location(), "daily", date(2026, 6, 9))
    return Queries(connection, database_settings)


def warning(queries: Queries, url: str | None, *, through_airflow: bool = False) -> str:
    """Return the error of a publish that must fail at its deadline."""
    settings = CacheSettings.load({"REDIS_URL": url} if url else {})
    started = time.monotonic()
    with pytest.raises(CacheUnavailableError) as caught:
        publish_figures(queries, settings, list(PeriodType), through_airflow=through_airflow)
    assert time.monotonic() - started < GENEROUS_SECONDS
    return str(caught.value)


@contextmanager
def states_of_sessions(url: str) -> Iterator[set[str]]:
    """Give the states that the database's other sessions have during the block."""
    states: set[str] = set()
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(0.2):
            states.update(state for (state,) in rows(url, STATES))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield states
    finally:
        is_over.set()
        watcher.join()


def is_waiting_for_redis() -> bool:
    return any(thread.name.startswith("cache") for thread in threading.enumerate())


@HANGS_OR_DRIPS
def test_publish_redis(queries: Queries, database_url: str, answer: bytes) -> None:
    with unhelpful_server(answer) as port, states_of_sessions(database_url) as states:
        text = warning(queries, f"redis://:secret@127.0.0.1:{port}/0")
        wait_until(lambda: not is_waiting_for_redis())
    assert text == (
        f"Redis (host 127.0.0.1 port {port} database 0) did not answer in time: "
        "1 seconds are allowed for all figures."
    )
    assert states == {"idle"}  # no transaction is open meanwhile


@HANGS_OR_DRIPS
def test_publish_sentinel(queries: Queries, answer: bytes) -> None:
    with unhelpful_server(answer) as port:
        text = warning(queries, f"redis+sentinel://127.0.0.1:{port}/stock/0")
        # Cut off, the driver still tries again three times, with pauses of some seconds.
        wait_until(lambda: not is_waiting_for_redis(), seconds=60)
    assert "Sentinel service stock database 0) did not answer in time: 1 seconds" in text


@HANGS_OR_DRIPS
@pytest.mark.parametrize("through_airflow", [False, True])
def test_publish_cluster(
    queries: Queries, monkeypatch: pytest.MonkeyPatch, answer: bytes, through_airflow: bool
) -> None:
    with unhelpful_server(answer) as port:
        address = f"redis://:secret@127.0.0.1:{port}?cluster=true"
        monkeypatch.setenv("AIRFLOW_CONN_ANALYTICS_CACHE", address)
        text = warning(queries, None, through_airflow=through_airflow)
    assert f"cluster at host 127.0.0.1 port {port}) did not answer in time: 1 seconds" in text


# The driver does not close the socket of a handshake that failed.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
def test_publish_tls_handshake_hangs(queries: Queries) -> None:
    with unhelpful_server(b"") as port:
        text = warning(queries, f"rediss://127.0.0.1:{port}/0")
    wait_until(lambda: not is_waiting_for_redis())
    assert f"port {port} database 0) did not answer in time: 1 seconds" in text


def test_publish_name_server_hangs(queries: Queries, monkeypatch: pytest.MonkeyPatch) -> None:
    has_ended = threading.Event()

    def resolve(*_args: object, **_options: object) -> list[object]:
        has_ended.wait(30)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    try:
        assert "host redis.test" in warning(queries, "redis://redis.test:6379/0")
    finally:
        has_ended.set()
        wait_until(lambda: not is_waiting_for_redis())


def test_publish_slow_database(queries: Queries, database_url: str, redis_url: str) -> None:
    """Reading waits for a lock of another session longer than publishing may take."""
    settings = CacheSettings.load({"REDIS_URL": redis_url})
    with psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE analytics_snapshots")
        started = time.monotonic()
        with pytest.raises(DatabaseRefusedError, match="took too long: 1 seconds are allowed"):
            publish_figures(queries, settings, [PeriodType.DAILY])
        assert time.monotonic() - started < GENEROUS_SECONDS
    assert queries.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
