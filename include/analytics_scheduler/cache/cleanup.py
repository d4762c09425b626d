"""Remove expired and idle entries of the analytics cache; no other key is touched or read.

SCAN visits the keys of a pattern, and Redis reclaims expired ones as it does so. A script then
checks the others, up to 100 at a time, and unlinks those that have been idle for too long. Because
the check and the removal are one step, an entry that is renewed in between stays.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from redis.cluster import RedisCluster
from redis.exceptions import NoPermissionError

from analytics_scheduler.cache.connection import cache_name, nodes_of
from analytics_scheduler.cache.keys import is_own
from analytics_scheduler.errors import CacheUnavailableError

if TYPE_CHECKING:
    import redis

    from analytics_scheduler.cache.connection import Cache
    from analytics_scheduler.settings import CacheSettings

_KEYS_A_SCAN = 500
_KEYS_A_CHECK = 100
# What remove_idle_keys.lua counts, in the order of its reply. Keys that are gone are not reported:
# somebody else deleted them after the scan.
_REPORTED = ("idle", "with_ttl", "used_lately", "untracked")
_REPLY = (*_REPORTED, "gone")
_REMOVE_IDLE_KEYS = (Path(__file__).parent / "remove_idle_keys.lua").read_text("utf-8")

Info: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupReport:
    """What a cleanup found and removed.

    scanned     keys that SCAN returned; a key that it returned twice counts twice
    expired     keys that Redis reclaimed during the scan
    idle        keys removed, or in a dry run to be removed, because they were idle for too long
    with_ttl, used_lately, own   keys kept, by the reason
    untracked   keys kept because the eviction policy of Redis does not track idle times
    memory_*    memory that Redis uses, in bytes; None if this user may not run INFO
    """

    scanned: int
    expired: int
    idle: int
    with_ttl: int
    used_lately: int
    untracked: int
    own: int
    memory_before: int | None
    memory_after: int | None
    seconds: float
    dry_run: bool

    @property
    def removed(self) -> int:
        """How many entries are gone; expired ones are reclaimed in a dry run too."""
        return self.expired + (0 if self.dry_run else self.idle)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the operator should change."""
        if not self.untracked:
            return ()
        return (
            f"Redis does not track idle times under its LFU policy, so {self.untracked} entries "
            "without a TTL were kept. Give them a TTL, or choose an LRU policy.",
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON that `cleanup-cache --json` prints and the record of the run holds."""
        return {**asdict(self), "removed": self.removed, "warnings": list(self.warnings)}

    def summary(self) -> str:
        """Return the report as one line of key=value fields."""
        return " ".join(f"{name}={value}" for name, value in asdict(self).items())


def clean_up(
    cache: Cache,
    settings: CacheSettings,
    *,
    dry_run: bool = False,
    on_progress: Callable[[int], None] | None = None,
) -> CleanupReport:
    """Remove expired and idle entries among the keys that match the patterns.

    `on_progress` is called with the keys scanned so far. Raises CacheUnavailableError if Redis is a
    Sentinel or a read-only replica, or is out of memory even after the removal.
    """
    started = time.monotonic()
    before = [_info(node) for node in nodes_of(cache)]
    _require_primary(cache, before)
    counts: Counter[str] = Counter()
    checks = (settings.max_idle_seconds, 0 if dry_run else 1)
    # The keys of one script must belong to one slot of a cluster.
    keys_a_check = 1 if isinstance(cache, RedisCluster) else _KEYS_A_CHECK
    for node in nodes_of(cache):
        for pattern in settings.patterns:
            for step in _scan(node, pattern, checks, keys_a_check):
                counts.update(step)
                if on_progress is not None:
                    on_progress(counts["scanned"])
    after = [_info(node) for node in nodes_of(cache)]
    if not dry_run and any(_is_out_of_memory(info) for info in after):
        raise CacheUnavailableError(
            f"Redis ({cache_name(cache)}) is out of memory, even after {counts['idle']} idle and "
            f"{counts['expired']} expired entries were removed."
        )
    return CleanupReport(
        **{name: counts[name] for name in ("scanned", "expired", "own", *_REPORTED)},
        memory_before=_memory(before),
        memory_after=_memory(after),
        seconds=round(time.monotonic() - started, 3),
        dry_run=dry_run,
    )


def _require_primary(cache: Cache, nodes: list[Info]) -> None:
    if any(info.get("redis_mode") == "sentinel" for info in nodes):
        raise CacheUnavailableError(
            f"The server at {cache_name(cache)} is a Sentinel: connect with "
            "redis+sentinel://host:26379/service."
        )
    if any(_is_read_only(info) for info in nodes):
        raise CacheUnavailableError(
            f"Redis ({cache_name(cache)}) accepts no writes because it is a read-only replica: "
            "connect to the primary."
        )


def _scan(
    node: redis.Redis, pattern: str, checks: tuple[int, int], keys_a_check: int
) -> Iterator[Counter[str]]:
    """Scan the keys of a pattern once, and give the counts of each step.

    The keys of one step are checked while Redis already scans for the next. DBSIZE is sent with
    each SCAN, right before and after it: the difference is what the SCAN reclaimed.
    """
    with _connection(node) as connection:
        _send_scan(connection, b"0", pattern)
        is_scanning, checks_sent = True, 0
        while is_scanning or checks_sent:
            step: Counter[str] = Counter()
            keys: list[bytes] = []
            if is_scanning:
                keys_before, (cursor, keys), keys_after = (
                    connection.read_response() for _ in range(3)
                )
                step["expired"] = max(0, keys_before - keys_after)
                is_scanning = int(cursor) != 0
                if is_scanning:
                    _send_scan(connection, cursor, pattern)
            for _ in range(checks_sent):
                step.update(dict(zip(_REPLY, connection.read_response(), strict=True)))
            found = [key for key in dict.fromkeys(keys) if not is_own(key)]
            step["scanned"] = len(keys)
            step["own"] = sum(map(is_own, keys))
            yield step
            pages = [found[at : at + keys_a_check] for at in range(0, len(found), keys_a_check)]
            _send(
                connection,
                *(("EVAL", _REMOVE_IDLE_KEYS, len(page), *page, *checks) for page in pages),
            )
            checks_sent = len(pages)


@contextmanager
def _connection(node: redis.Redis) -> Iterator[Any]:
    """Give a connection to send commands on before the replies to earlier ones are read."""
    pool: Any = node.connection_pool
    connection = pool.get_connection()
    try:
        yield connection
    except BaseException:
        # Nobody will read the replies that are still to come.
        connection.disconnect()
        raise
    finally:
        pool.release(connection)


def _send_scan(connection: Any, cursor: bytes, pattern: str) -> None:
    scan = ("SCAN", cursor, "MATCH", pattern, "COUNT", _KEYS_A_SCAN)
    _send(connection, ("DBSIZE",), scan, ("DBSIZE",))


def _send(connection: Any, *commands: tuple[Any, ...]) -> None:
    if commands:
        connection.send_packed_command(connection.pack_commands(commands))


def _info(node: redis.Redis) -> Info:
    """Return the reply to INFO, or nothing if this user may not run it."""
    try:
        return dict(node.info())
    except NoPermissionError:
        return {}


def _is_read_only(info: Info) -> bool:
    return info.get("role") == "slave" and info.get("slave_read_only", 1) == 1


def _is_out_of_memory(info: Info) -> bool:
    limit = info.get("maxmemory", 0)
    evicts = str(info.get("maxmemory_policy", "")).startswith("allkeys")
    return 0 < limit < info.get("used_memory", 0) and not evicts


def _memory(nodes: list[Info]) -> int | None:
    known = [int(info["used_memory"]) for info in nodes if "used_memory" in info]
    return sum(known) if known else None
