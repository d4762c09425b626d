"""Publishers of a period type take turns, and one that has lost the lock stops writing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import pytest
import redis
from psycopg import Connection
from tests.support.redis_servers import redis_server
from tests.support.snapshots import StoredSnapshots
from tests.support.unhelpful_server import losing_proxy

from analytics_scheduler.cache import publish
from analytics_scheduler.cache.publish import PublishReport, publish_figures
from analytics_scheduler.cache.publisher_lock import PublisherLock
from analytics_scheduler.errors import CacheUnavailableError
from analytics_scheduler.queries import Queries
from analytics_scheduler.settings import CacheSettings, DatabaseSettings
from analytics_scheduler.vocabulary import PeriodType

LOCK = "analytics:snapshot:daily:lock"
VERSION = "analytics:snapshot:daily:version"
MARK = "analytics:snapshot:daily:publishing"


@pytest.fixture
def shop(stored: StoredSnapshots) -> UUID:
    location = stored.location()
    stored.snapshot(location, "daily", date(2026, 6, 9), revenue="12.50")
    return location


@pytest.fixture
def key(shop: UUID) -> str:
    return f"analytics:snapshot:daily:{shop}"


@pytest.fixture
def queries(connection: Connection[Any], database_settings: DatabaseSettings) -> Queries:
    return Queries(connection, database_settings)


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    """Give a client of a cluster's only node; the Airflow connection names the cluster."""
    with redis_server("--cluster-enabled", "yes") as server, server.client() as client:
        client.execute_command("CLUSTER", "ADDSLOTS", *range(16_384))
        while client.cluster("INFO")["cluster_state"] != "ok":
            pass
        address = f"redis://127.0.0.1:{server.port}?cluster=true"
        monkeypatch.setenv("AIRFLOW_CONN_ANALYTICS_CACHE", address)
        yield client


def publish_to(queries: Queries, url: str | None) -> PublishReport:
    settings = CacheSettings.load({"REDIS_URL": url} if url else {})
    [report] = publish_figures(queries, settings, [PeriodType.DAILY])
    return report


def when_read(monkeypatch: pytest.MonkeyPatch, do: Callable[[], object]) -> None:
    """Let something happen after a publisher has read its figures, before it writes them."""
    read = publish._pages

    def slow(*args: Any) -> Iterator[Any]:
        for page in read(*args):
            do()
            yield page

    monkeypatch.setattr(publish, "_pages", slow)


def test_one_publish_of_a_period_type_at_a_time(
    queries: Queries,
    shop: UUID,
    client: redis.Redis,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publish, "SECONDS_TO_PUBLISH", 1.0)
    client.set(LOCK, "of another", px=60_000)
    with pytest.raises(CacheUnavailableError, match="Another publisher holds"):
        publish_to(queries, redis_url)
    assert client.get(LOCK) == b"of another"

    client.pexpire(LOCK, 200)
    assert publish_to(queries, redis_url).published == 1
    assert client.exists(LOCK) == 0


def test_lock_ends_just_after_the_deadline(
    queries: Queries,
    shop: UUID,
    client: redis.Redis,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So a publisher that was killed keeps the next one from publishing only so long."""
    left: list[Any] = []
    when_read(monkeypatch, lambda: left.append(client.pttl(LOCK)))
    publish_to(queries, redis_url)
    assert 25_000 < left[0] <= 31_000


@pytest.mark.parametrize("server", ["client", "cluster"])
def test_lock_expired_under_its_holder(
    queries: Queries,
    key: str,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    server: str,
) -> None:
    client = request.getfixturevalue(server)
    url = request.getfixturevalue("redis_url") if server == "client" else None

    def another_publishes() -> None:
        client.set(LOCK, "of another")
        client.set(key, "newer")

    when_read(monkeypatch, another_publishes)
    with pytest.raises(CacheUnavailableError, match=f"The key {LOCK} expired"):
        publish_to(queries, url)
    assert client.get(key) == b"newer"
    assert client.get(LOCK) == b"of another"


def test_lock_expired_while_writing(
    queries: Queries, key: str, client: redis.Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The script that writes checks the lock, after the publisher has."""
    require = PublisherLock.require

    def require_and_stall(lock: PublisherLock, own_client: redis.Redis) -> None:
        require(lock, own_client)
        client.set(LOCK, "of another")
        client.set(key, "newer")

    monkeypatch.setattr(PublisherLock, "require", require_and_stall)
    with pytest.raises(CacheUnavailableError, match=f"The key {LOCK} expired"):
        publish_to(queries, redis_url)
    assert client.get(key) == b"newer"


def test_require_after_the_deadline(client: redis.Redis) -> None:
    """The thread of a step that nobody waits for any more writes nothing."""
    lock = PublisherLock(LOCK, "token", ends_at=time.monotonic() + 60)
    assert lock.take(client, 60)
    lock.require(client)
    with pytest.raises(CacheUnavailableError, match="expired"):
        replace(lock, ends_at=time.monotonic() - 1).require(client)


def test_take_lost_answer(queries: Queries, key: str, client: redis.Redis, redis_url: str) -> None:
    options = client.connection_pool.connection_kwargs
    with losing_proxy(options["port"], b"\r\nNX\r\n") as port:
        url = f"redis://127.0.0.1:{port}/{options['db']}"
        assert publish_to(queries, url).published == 1
    assert client.exists(key) == 1
    assert client.exists(LOCK) == 0


def test_publish_figures_to_a_cluster(
    queries: Queries, key: str, cluster: redis.Redis, stored: StoredSnapshots
) -> None:
    reports = [publish_to(queries, None), publish_to(queries, None)]
    stored.execute("UPDATE analytics_snapshots SET revenue = 12.51")
    reports.append(publish_to(queries, None))

    assert [(report.changed, report.version) for report in reports] == [(1, 1), (0, 1), (1, 2)]
    assert b'"revenue":"12.51"' in (cluster.get(key) or b"")
    assert sorted(cluster.keys("*")) == sorted([key.encode(), VERSION.encode()])


@pytest.mark.parametrize("text", ["", "seven", "007", "12 ", "9" * 30, b"\xff"])
def test_version_that_is_not_a_number(
    queries: Queries, shop: UUID, client: redis.Redis, redis_url: str, text: str | bytes
) -> None:
    """It begins again above any number that applications may have seen."""
    client.set(VERSION, text)
    version = publish_to(queries, redis_url).version
    assert version > 1_700_000_000
    assert publish_to(queries, redis_url).version == version
    assert client.get(VERSION) == str(version).encode()


def test_unchanged_entry_gets_a_new_ttl(
    queries: Queries, key: str, client: redis.Redis, redis_url: str
) -> None:
    publish_to(queries, redis_url)
    client.expire(key, 60)
    assert publish_to(queries, redis_url).changed == 0
    assert int(client.ttl(key)) > 86_400


def test_unchanged_entry_that_expires_meanwhile(
    queries: Queries, key: str, client: redis.Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_to(queries, redis_url)
    figures = client.get(key)
    stored_entries = publish._stored

    def stored_and_expired(*args: Any) -> list[bytes | None]:
        entries = stored_entries(*args)
        client.delete(key)
        return entries

    monkeypatch.setattr(publish, "_stored", stored_and_expired)
    publish_to(queries, redis_url)
    assert client.get(key) == figures
