"""The cache DAG cleans up, and is skipped while Redis is down or takes no writes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
import redis
from psycopg import Connection
from tests.support.dag_runs import load_dag, run_dag
from tests.support.database import Database
from tests.support.redis_servers import RedisServer

from analytics_scheduler.local.processes import free_port

MOMENTS = (datetime(2026, 6, 10, tzinfo=UTC) + timedelta(hours=hour) for hour in count())


@pytest.fixture
def client(
    own_redis: RedisServer, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[redis.Redis]:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", own_redis.url)
    monkeypatch.setenv("CACHE_MAX_IDLE_SECONDS", "60")
    monkeypatch.delenv("AIRFLOW_CONN_ANALYTICS_CACHE", raising=False)
    with own_redis.client() as client:
        client.flushall()
        yield client


def recorded(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    return Database(connection).rows(
        "SELECT task, outcome, report FROM analytics_snapshot_runs ORDER BY id"
    )


def test_dag_options() -> None:
    dag = load_dag("cache-cleanup")
    assert (dag.max_active_runs, dag.catchup, dag.is_paused_upon_creation) == (1, False, False)
    assert dag.timetable.expression == "0 * * * *"
    assert "Cache cleanup" in dag.doc_md


def test_clean_cache_and_record_the_run(client: redis.Redis, connection: Connection[Any]) -> None:
    client.set("analytics:idle", "x")
    dump = client.dump("analytics:idle") or b""
    client.restore("analytics:idle", 0, dump, replace=True, idletime=90)
    client.set("session", "x")

    assert run_dag("cache-cleanup", next(MOMENTS)) == {"clean_cache": "success"}

    assert client.keys("*") == [b"session"]
    ((task, outcome, report),) = recorded(connection)
    assert (task, outcome, report["removed"]) == ("cache-cleanup", "success", 1)


def test_clean_cache_is_deferred_while_redis_is_down(
    client: redis.Redis,
    connection: Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    client.set("analytics:idle", "x")
    dump = client.dump("analytics:idle") or b""
    client.restore("analytics:idle", 0, dump, replace=True, idletime=90)
    there = client.connection_pool.connection_kwargs["port"]
    away = free_port()
    monkeypatch.setenv("REDIS_URL", f"redis://:hidden@127.0.0.1:{away}/0")

    with caplog.at_level(logging.INFO):
        assert run_dag("cache-cleanup", next(MOMENTS)) == {"clean_cache": "skipped"}
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{there}/0")
    assert run_dag("cache-cleanup", next(MOMENTS)) == {"clean_cache": "success"}

    (task, outcome, report), (_, next_outcome, _) = recorded(connection)
    assert (task, outcome, next_outcome) == ("cache-cleanup", "deferred", "success")
    assert f"port {away} database 0) cannot be reached" in report["reason"]
    assert "hidden" not in caplog.text
    assert client.dbsize() == 0


@pytest.mark.parametrize("state", ["full", "replica"])
def test_clean_cache_is_deferred_without_writes(
    client: redis.Redis, connection: Connection[Any], state: str
) -> None:
    begin, end, reason = {
        "full": (("CONFIG", "SET", "maxmemory", 1), ("CONFIG", "SET", "maxmemory", 0), "memory"),
        "replica": (("REPLICAOF", "127.0.0.1", 1), ("REPLICAOF", "NO", "ONE"), "no writes"),
    }[state]
    anything: Any = client
    anything.execute_command(*begin)
    try:
        assert run_dag("cache-cleanup", next(MOMENTS)) == {"clean_cache": "skipped"}
    finally:
        anything.execute_command(*end)
    ((_, outcome, report),) = recorded(connection)
    assert outcome == "deferred"
    assert reason in report["reason"]


def test_clean_cache_while_the_database_is_down(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://u:p@127.0.0.1:{free_port()}/none")
    assert run_dag("cache-cleanup", next(MOMENTS)) == {"clean_cache": "success"}


def test_invalid_setting_fails_the_run(
    client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.set("analytics:1", "x", ex=900)
    monkeypatch.setenv("CACHE_PATTERNS", "*")
    assert run_dag("cache-cleanup", next(MOMENTS)) == {"clean_cache": "failed"}
    assert client.dbsize() == 1
