"""Every form of address connects to the Redis it names, with and without Airflow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from tests.support.redis_servers import RedisServer, redis_server
from tests.support.tls_front import tls_front
from tests.support.waiting import wait_until

from analytics_scheduler.cache.cleanup import clean_up
from analytics_scheduler.cache.connection import connected_cache
from analytics_scheduler.errors import CacheUnavailableError, NotConfiguredError, SettingError
from analytics_scheduler.local.processes import free_port
from analytics_scheduler.settings import CacheSettings

PASSWORD = "p@ss/w:rd#1"
QUOTED_PASSWORD = "p%40ss%2Fw%3Ard%231"
WAYS = pytest.mark.parametrize("through_airflow", [False, True], ids=["driver", "hook"])


@pytest.fixture(autouse=True)
def no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_ANALYTICS_CACHE", raising=False)


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server("--requirepass", PASSWORD) as server:
        yield server


@pytest.fixture
def in_database_3(server: RedisServer) -> Iterator[redis.Redis]:
    with server.client(password=PASSWORD, db=3) as client:
        client.flushall()
        client.set("analytics:here", "database 3")
        yield client


def settings(url: str) -> CacheSettings:
    return CacheSettings.load({"REDIS_URL": url})


def read_here(url: str | None, *, through_airflow: bool) -> object:
    chosen = settings(url) if url else CacheSettings.load({})
    with connected_cache(chosen, through_airflow=through_airflow) as cache:
        return cache.get("analytics:here")


def complaint(url: str, *, through_airflow: bool = False) -> str:
    with (
        pytest.raises(CacheUnavailableError) as caught,
        connected_cache(settings(url), through_airflow=through_airflow) as cache,
    ):
        clean_up(cache, settings(url))
    text = str(caught.value)
    assert "\n" not in text
    return text


@WAYS
def test_url_with_password_and_database(
    server: RedisServer, in_database_3: redis.Redis, through_airflow: bool
) -> None:
    for url in (
        f"redis://:{QUOTED_PASSWORD}@127.0.0.1:{server.port}/3",
        f"redis://default:{QUOTED_PASSWORD}@127.0.0.1:{server.port}?db=3",
        f"redis://:{QUOTED_PASSWORD}@127.0.0.1:{server.port}/3?health_check_interval=30",
        f"redis://:{QUOTED_PASSWORD}@127.0.0.1:{server.port}/3?decode_responses=true",
    ):
        assert read_here(url, through_airflow=through_airflow) == b"database 3"


@WAYS
@pytest.mark.parametrize("form", ["/3", "/?db=3", "/3?ssl=false"])
def test_airflow_connection_wins(
    server: RedisServer,
    in_database_3: redis.Redis,
    monkeypatch: pytest.MonkeyPatch,
    through_airflow: bool,
    form: str,
) -> None:
    address = f"redis://:{QUOTED_PASSWORD}@127.0.0.1:{server.port}{form}"
    monkeypatch.setenv("AIRFLOW_CONN_ANALYTICS_CACHE", address)
    assert read_here("redis://127.0.0.1:1/0", through_airflow=through_airflow) == b"database 3"


@WAYS
def test_rediss_uses_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, through_airflow: bool
) -> None:
    with redis_server() as server, tls_front(server.port, tmp_path) as (port, certificate):
        with server.client() as client:
            client.set("analytics:here", "over TLS")
        trusted = f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={certificate}"
        assert read_here(trusted, through_airflow=through_airflow) == b"over TLS"
        untrusted = f"rediss://127.0.0.1:{port}/0"
        assert "certificate" in complaint(untrusted, through_airflow=through_airflow)
        monkeypatch.setenv("AIRFLOW_CONN_ANALYTICS_CACHE", trusted)
        assert read_here(None, through_airflow=through_airflow) == b"over TLS"
        monkeypatch.setenv("AIRFLOW_CONN_ANALYTICS_CACHE", untrusted)
        assert "certificate" in complaint(untrusted, through_airflow=through_airflow)


@WAYS
def test_unix_socket(tmp_path: Path, through_airflow: bool) -> None:
    path = tmp_path / "redis.sock"
    with redis_server("--unixsocket", str(path)) as server:
        with server.client(db=2) as client:
            client.set("analytics:here", "by socket")
        url = f"unix://{path}?db=2"
        assert read_here(url, through_airflow=through_airflow) == b"by socket"


@WAYS
def test_sentinel_leads_to_the_primary(tmp_path: Path, through_airflow: bool) -> None:
    with redis_server("--requirepass", PASSWORD) as primary:
        with primary.client(password=PASSWORD, db=1) as client:
            client.set("analytics:here", "the primary")
        watched = f"sentinel monitor stock 127.0.0.1 {primary.port} 1"
        login = f'sentinel auth-pass stock "{PASSWORD}"'
        with redis_server("--sentinel", lines=f"{watched}\n{login}") as sentinel:
            url = f"redis+sentinel://:{QUOTED_PASSWORD}@127.0.0.1:{sentinel.port}/stock/1"
            assert read_here(url, through_airflow=through_airflow) == b"the primary"
            unknown = f"redis+sentinel://127.0.0.1:{sentinel.port}/other/1"
            assert "service other" in complaint(unknown, through_airflow=through_airflow)
            as_redis = complaint(sentinel.url, through_airflow=through_airflow)
            assert "is a Sentinel: connect with redis+sentinel://" in as_redis
            with (
                pytest.raises(CacheUnavailableError, match=r"refused the command .*\+sentinel://"),
                connected_cache(settings(sentinel.url), through_airflow=through_airflow) as cache,
            ):
                cache.get("analytics:here")


def test_clean_up_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    with redis_server("--cluster-enabled", "yes") as server, server.client() as client:
        client.execute_command("CLUSTER", "ADDSLOTS", *range(16_384))
        while client.cluster("INFO")["cluster_state"] != "ok":
            pass
        for number in range(30):
            client.set(f"analytics:{number}", "x")
            dump = client.dump(f"analytics:{number}") or b""
            client.restore(f"analytics:{number}", 0, dump, replace=True, idletime=90_000)
        client.set("session:1", "x")
        address = f"redis://127.0.0.1:{server.port}?cluster=true"
        monkeypatch.setenv("AIRFLOW_CONN_ANALYTICS_CACHE", address)
        chosen = CacheSettings.load({})
        with connected_cache(chosen, through_airflow=True) as cache:
            report = clean_up(cache, chosen)
        assert (report.idle, client.keys("*")) == (30, [b"session:1"])


@pytest.mark.parametrize("path", ["", "/0"])
def test_cluster_down(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    port = free_port()
    address = f"redis://:{QUOTED_PASSWORD}@127.0.0.1:{port}{path}?cluster=true"
    monkeypatch.setenv("AIRFLOW_CONN_ANALYTICS_CACHE", address)
    with (
        pytest.raises(CacheUnavailableError, match=f"port {port}.* cannot be reached") as caught,
        connected_cache(CacheSettings.load({}), through_airflow=True),
    ):
        pass
    assert PASSWORD not in str(caught.value)


def test_cluster_with_a_database(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = '{"conn_type": "redis", "host": "127.0.0.1", "extra": {"cluster": true, "db": 3}}'
    monkeypatch.setenv("AIRFLOW_CONN_ANALYTICS_CACHE", connection)
    with (
        pytest.raises(SettingError, match=r"analytics_cache cannot be used: .* database 0"),
        connected_cache(CacheSettings.load({}), through_airflow=True),
    ):
        pass


@WAYS
def test_redis_down(through_airflow: bool) -> None:
    port = free_port()
    text = complaint(
        f"redis://:{QUOTED_PASSWORD}@127.0.0.1:{port}/0", through_airflow=through_airflow
    )
    assert f"host 127.0.0.1 port {port} database 0) cannot be reached" in text
    assert PASSWORD not in text
    assert QUOTED_PASSWORD not in text


@WAYS
def test_wrong_password(server: RedisServer, through_airflow: bool) -> None:
    url = f"redis://:not-the-secret@127.0.0.1:{server.port}/0"
    text = complaint(url, through_airflow=through_airflow)
    assert "rejected the user or password" in text
    assert "not-the-secret" not in text
    assert "rejected the user or password" in complaint(server.url, through_airflow=through_airflow)


def test_read_only_replica() -> None:
    with (
        redis_server() as primary,
        redis_server("--replicaof", "127.0.0.1", str(primary.port)) as replica,
    ):
        assert "accepts no writes" in complaint(replica.url)


def test_read_only_replica_without_info_permission() -> None:
    """The script fails in Redis, which before version 7 puts other words before the error code."""
    with (
        redis_server() as primary,
        redis_server("--replicaof", "127.0.0.1", str(primary.port)) as replica,
    ):
        with primary.client() as source, replica.client() as client:
            # A first copy of all keys has no idle times; commands that follow it have.
            wait_until(lambda: client.info("replication")["master_link_status"] == "up")
            source.set("analytics:idle", "x")
            dump = source.dump("analytics:idle") or b""
            source.restore("analytics:idle", 0, dump, replace=True, idletime=90_000)
            client.acl_setuser(
                "cleaner", enabled=True, passwords=["+pw"], keys=["*"], commands=["+@all", "-info"]
            )
            wait_until(lambda: (client.object("idletime", "analytics:idle") or 0) >= 90_000)
        assert "accepts no writes" in complaint(f"redis://cleaner:pw@127.0.0.1:{replica.port}/0")


def test_user_without_permission(server: RedisServer) -> None:
    with server.client(password=PASSWORD) as client:
        client.set("analytics:here", "x")
        client.acl_setuser(
            "reader", enabled=True, passwords=["+pw"], keys=["*"], commands=["+@read", "+info"]
        )
    text = complaint(f"redis://reader:pw@127.0.0.1:{server.port}/0")
    assert "does not permit this user to run" in text


def test_clean_up_without_info_permission(server: RedisServer) -> None:
    with server.client(password=PASSWORD) as client:
        client.flushall()
        client.set("analytics:1", "x", ex=100)
        client.acl_setuser(
            "cleaner",
            enabled=True,
            passwords=["+pw"],
            keys=["analytics:*"],
            commands=["+scan", "+dbsize", "+eval", "+pttl", "+object", "+unlink"],
        )
    chosen = settings(f"redis://cleaner:pw@127.0.0.1:{server.port}/0")
    with connected_cache(chosen) as cache:
        report = clean_up(cache, chosen)
    assert (report.with_ttl, report.memory_before) == (1, None)


@pytest.mark.parametrize(
    "url",
    [
        "redis://:secret/with/slash@127.0.0.1:6379/0",
        "redis://127.0.0.1:port/0",
        "redis://127.0.0.1:6379/stock",
        "rediss://127.0.0.1:6379/1x",
        "redis+sentinel://127.0.0.1:26379",
        "redis+sentinel://127.0.0.1:x/stock",
    ],
)
@WAYS
def test_invalid_url_is_not_shown(url: str, through_airflow: bool) -> None:
    with (
        pytest.raises(SettingError, match=r"REDIS_URL=\*\*\* cannot be used") as caught,
        connected_cache(settings(url), through_airflow=through_airflow),
    ):
        pass
    assert "secret" not in str(caught.value)


@WAYS
def test_redis_url_not_set(through_airflow: bool) -> None:
    with (
        pytest.raises(NotConfiguredError, match="REDIS_URL is not set"),
        connected_cache(CacheSettings.load({}), through_airflow=through_airflow),
    ):
        pass
