"""The cleanup removes expired and idle entries and nothing else, on every installed Redis."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from tests.support.redis_servers import EMBEDDED, RedisServer, installed_servers, redis_server

from analytics_scheduler.cache.cleanup import CleanupReport, clean_up
from analytics_scheduler.cache.connection import connected_cache
from analytics_scheduler.errors import CacheUnavailableError
from analytics_scheduler.settings import CacheSettings

IDLE_SECONDS = 60


@pytest.fixture(
    scope="module",
    params=installed_servers(),
    ids=["embedded", "system"][: len(installed_servers())],
)
def module_server(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    executable: Path = request.param
    debug = () if executable == EMBEDDED else ("--enable-debug-command", "yes")
    with redis_server(*debug, executable=executable) as server:
        yield server


@pytest.fixture
def server(module_server: RedisServer) -> RedisServer:
    """Give the server empty, and keep it from reclaiming expired keys by itself."""
    with module_server.client() as client:
        client.flushall()
        client.config_set("maxmemory", "0")
        client.config_set("maxmemory-policy", "noeviction")
        client.execute_command("DEBUG", "SET-ACTIVE-EXPIRE", "0")
    return module_server


@pytest.fixture
def client(server: RedisServer) -> Iterator[redis.Redis]:
    with server.client() as client:
        yield client


def settings(server: RedisServer, **environ: str) -> CacheSettings:
    return CacheSettings.load(
        {"REDIS_URL": server.url, "CACHE_MAX_IDLE_SECONDS": str(IDLE_SECONDS), **environ}
    )


def cleaned(server: RedisServer, *, dry_run: bool = False, **environ: str) -> CleanupReport:
    chosen = settings(server, **environ)
    with connected_cache(chosen) as cache:
        return clean_up(cache, chosen, dry_run=dry_run)


def set_idle(client: redis.Redis, key: str, seconds: int, *, value: str = "x") -> None:
    """Store an entry that has been idle for a time, as restoring a dump can do."""
    client.set(key, value)
    client.restore(key, 0, client.dump(key) or b"", replace=True, idletime=seconds)


def set_expired(client: redis.Redis, *keys: str) -> None:
    for key in keys:
        client.set(key, "x", px=1)
    let_pass(client, milliseconds=2)


def let_pass(client: redis.Redis, *, milliseconds: int) -> None:
    """Wait by the server's clock; reading the keys themselves would reclaim them."""
    end = server_time(client) + milliseconds / 1_000
    while server_time(client) <= end:
        pass


def server_time(client: redis.Redis) -> float:
    seconds, microseconds = client.time()
    return seconds + microseconds / 1_000_000


def foreign_digest(client: redis.Redis) -> str:
    """Return a digest of all keys outside the cache: names, values and whether they have a TTL."""
    seen = hashlib.sha256()
    for key in sorted(bytes(key) for key in client.scan_iter("session:*")):
        seen.update(key + (client.dump(key) or b"") + str(client.ttl(key) > 0).encode())
    return seen.hexdigest()


def test_remove_expired_and_idle_entries(server: RedisServer, client: redis.Redis) -> None:
    set_expired(client, "analytics:expired:1", "analytics:expired:2")
    set_idle(client, "analytics:idle", IDLE_SECONDS + 60)
    client.set("analytics:fresh", "x")
    client.set("analytics:live", "x", ex=900)
    set_idle(client, "session:idle", 9_000)
    client.set("session:live", "x", ex=900)
    client.hset("session:hash", "a", "b")
    foreign = foreign_digest(client)

    report = cleaned(server)

    assert sorted(client.keys("analytics:*")) == [b"analytics:fresh", b"analytics:live"]
    assert foreign_digest(client) == foreign
    assert (report.expired, report.idle, report.removed) == (2, 1, 3)
    assert (report.scanned, report.with_ttl, report.used_lately) == (3, 1, 1)
    assert report.memory_before is not None
    assert report.memory_after is not None


def test_clean_up_never_blocks_redis(server: RedisServer, client: redis.Redis) -> None:
    for number in range(250):
        set_idle(client, f"analytics:idle:{number}", IDLE_SECONDS + 1)
    client.config_resetstat()

    cleaned(server)

    used = {name.removeprefix("cmdstat_") for name in client.info("commandstats")}
    login = {"hello", "client|setinfo", "client", "client|maint_notifications", "select"}
    walk = {"info", "scan", "dbsize", "eval", "pttl", "object", "object|idletime", "unlink"}
    assert used - login - {"config|resetstat", "config"} == walk & used
    assert {"scan", "eval", "unlink"} <= used
    slowest = max(entry["usec_per_call"] for entry in client.info("commandstats").values())
    assert slowest < 25_000  # microseconds


def test_other_keys_are_not_even_read(server: RedisServer, client: redis.Redis) -> None:
    for number in range(100):
        set_idle(client, f"session:{number}", 600)
    client.config_resetstat()

    report = cleaned(server)

    stats = client.info("stats")
    assert (report.scanned, stats["keyspace_hits"], stats["keyspace_misses"]) == (0, 0, 0)
    assert client.object("IDLETIME", "session:7") >= 600


def test_dry_run_removes_nothing(server: RedisServer, client: redis.Redis) -> None:
    set_idle(client, "analytics:idle", IDLE_SECONDS + 1)

    report = cleaned(server, dry_run=True)

    assert (report.idle, report.removed) == (1, 0)
    assert client.exists("analytics:idle") == 1


def test_entry_idle_below_the_limit_stays(server: RedisServer, client: redis.Redis) -> None:
    set_idle(client, "analytics:short", IDLE_SECONDS - 20)
    set_idle(client, "analytics:long", IDLE_SECONDS)

    cleaned(server)

    assert client.keys("analytics:*") == [b"analytics:short"]


def test_own_keys_are_kept(server: RedisServer, client: redis.Redis) -> None:
    own = [
        "analytics:snapshot:daily:version",
        "analytics:snapshot:weekly:publishing",
        "analytics:snapshot:monthly:0b6f6b0e-5a54-4f2c-8c42-0f8e2b4f1c11",
    ]
    for key in (*own, "analytics:snapshot:old-report", "analytics:snapshots"):
        set_idle(client, key, 9_000)

    report = cleaned(server)

    assert sorted(client.keys("*")) == sorted(key.encode() for key in own)
    assert (report.own, report.idle) == (3, 2)


def test_entry_renewed_during_the_scan_stays(server: RedisServer, client: redis.Redis) -> None:
    for number in range(20):
        set_idle(client, f"analytics:{number}", IDLE_SECONDS + 1)
    chosen = settings(server)
    renewed: list[str] = []

    def renew(_scanned: int) -> None:
        """Change three keys and delete one after they were found, before they are checked."""
        if not renewed:
            client.set("analytics:1", "new")
            client.expire("analytics:2", 900)
            client.get("analytics:3")
            client.delete("analytics:4")
            renewed.extend(["analytics:1", "analytics:2", "analytics:3"])

    with connected_cache(chosen) as cache:
        report = clean_up(cache, chosen, on_progress=renew)

    assert sorted(client.keys("*")) == sorted(key.encode() for key in renewed)
    assert client.get("analytics:1") == b"new"
    assert (report.idle, report.with_ttl, report.used_lately) == (16, 1, 2)


def test_overlapping_patterns_count_a_key_once(server: RedisServer, client: redis.Redis) -> None:
    for number in range(2_500):
        set_idle(client, f"analytics:report:{number}", IDLE_SECONDS + 1)

    report = cleaned(server, CACHE_PATTERNS="analytics:*,analytics:report:*")

    assert (report.idle, client.dbsize()) == (2_500, 0)


@pytest.mark.parametrize(
    ("pattern", "removed"),
    [
        (r"analytics:\[1\]", {b"analytics:[1]"}),
        ("analytics:[12]", {b"analytics:1", b"analytics:2"}),
        ("analytics:?", {b"analytics:1", b"analytics:2", b"analytics:*"}),
        (r"analytics:\*", {b"analytics:*"}),
        ("a*:x\ny", {b"analytics:x\ny"}),
    ],
)
def test_patterns_match_as_in_redis(
    server: RedisServer, client: redis.Redis, pattern: str, removed: set[bytes]
) -> None:
    keys = {"analytics:[1]", "analytics:1", "analytics:2", "analytics:*", "analytics:x\ny"}
    for key in keys:
        set_idle(client, key, 9_000)

    cleaned(server, CACHE_PATTERNS=pattern)

    assert {key.encode() for key in keys} - set(client.keys("*")) == removed


def test_lfu_policy_keeps_entries_and_warns(server: RedisServer, client: redis.Redis) -> None:
    client.set("analytics:old", "x")
    client.config_set("maxmemory-policy", "allkeys-lfu")
    set_expired(client, "analytics:expired")

    report = cleaned(server)

    assert (report.expired, report.untracked, report.idle) == (1, 1, 0)
    assert "LFU" in report.warnings[0]
    assert client.keys("*") == [b"analytics:old"]


def test_clean_up_frees_a_full_redis(server: RedisServer, client: redis.Redis) -> None:
    value = "x" * 10_000
    for number in range(200):
        set_idle(client, f"analytics:{number}", 99, value=value)
    client.config_set("maxmemory", str(client.info("memory")["used_memory"] - 500_000))
    with pytest.raises(redis.OutOfMemoryError):
        client.set("other", value)

    report = cleaned(server)

    assert report.idle == 200
    assert client.set("other", value) is True


def test_redis_that_stays_full_is_unavailable(server: RedisServer, client: redis.Redis) -> None:
    set_idle(client, "analytics:idle", 99)
    client.config_set("maxmemory", "1")

    with pytest.raises(CacheUnavailableError, match="out of memory, even after 1 idle") as caught:
        cleaned(server)

    assert "\n" not in str(caught.value)


def test_clean_up_many_keys(server: RedisServer, client: redis.Redis) -> None:
    pipeline = client.pipeline(transaction=False)
    for number in range(12_000):
        pipeline.set(f"session:{number}", "x")
        if number % 4 == 0:
            pipeline.set(f"analytics:expired:{number}", "x", px=1)
            pipeline.set(f"analytics:live:{number}", "x", ex=900)
    pipeline.execute()
    let_pass(client, milliseconds=2)

    report = cleaned(server)

    assert (report.expired, report.with_ttl, client.dbsize()) == (3_000, 3_000, 15_000)
