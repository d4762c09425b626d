"""Remove the entries of the analytics cache whose time is over; no other key is touched or read.

One walk with SCAN finds the keys of a pattern; Redis reclaims the expired ones as the walk meets
them. The others are checked and, where idle for too long, unlinked a few dozen at a time, the
check and the removal in one step: an entry that somebody renews in between stays.
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

_SCAN_COUNT = 500
_KEYS_A_CHECK = 100
_VERDICTS = ("idle", "with_ttl", "used_lately", "untracked", "gone")
_REMOVE_IDLE_KEYS = (Path(__file__).parent / "remove_idle_keys.lua").read_text("utf-8")

Facts: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanupReport:
    """What a cleanup met and did; in a dry run `idle` counts what would go.

    scanned counts the keys that SCAN gave (a key twice, where it did); expired those that Redis
    reclaimed as the walk met them; memory is the server's own, in bytes, None where it is not told.
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
        """Return how many entries are gone by this run."""
        return self.expired + (0 if self.dry_run else self.idle)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what a person should know."""
        if not self.untracked:
            return ()
        return (
            f"Redis runs an LFU policy, under which it does not tell idle times: {self.untracked} "
            "entries without a TTL were left. Give them a TTL, or choose an LRU policy.",
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {**asdict(self), "removed": self.removed, "warnings": list(self.warnings)}

    def summary(self) -> str:
        """Return the report as one line of key=value fields."""
        return " ".join(f"{name}={value}" for name, value in asdict(self).items())


def clean_cache(
    cache: Cache,
    settings: CacheSettings,
    *,
    dry_run: bool = False,
    on_progress: Callable[[int], None] | None = None,
) -> CleanupReport:
    """Remove what is over among the keys that match the patterns, and report it.

    Raises CacheUnavailableError where Redis accepts no writes, or has too little memory even
    after the removal.
    """
    started = time.monotonic()
    before = [_facts(node) for node in nodes_of(cache)]
    if any(_is_read_only(facts) for facts in before):
        raise CacheUnavailableError(
            f"Redis ({cache_name(cache)}) accepts no writes: it is a read-only replica. Give the "
            "address of the primary."
        )
    tally: Counter[str] = Counter()
    checks = (settings.max_idle_seconds, 0 if dry_run else 1)
    keys_a_check = 1 if isinstance(cache, RedisCluster) else _KEYS_A_CHECK
    for node in nodes_of(cache):
        for pattern in settings.patterns:
            for step in _walk(node, pattern, checks, keys_a_check):
                tally.update(step)
                if on_progress is not None:
                    on_progress(tally["scanned"])
    after = [_facts(node) for node in nodes_of(cache)]
    if not dry_run and any(_is_out_of_memory(facts) for facts in after):
        raise CacheUnavailableError(
            f"Redis ({cache_name(cache)}) is out of memory, even after {tally['idle']} idle and "
            f"{tally['expired']} expired entries were removed."
        )
    return CleanupReport(
        **{name: tally[name] for name in ("scanned", "expired", "own", *_VERDICTS[:-1])},
        memory_before=_memory(before),
        memory_after=_memory(after),
        seconds=round(time.monotonic() - started, 3),
        dry_run=dry_run,
    )


def _walk(
    node: redis.Redis, pattern: str, checks: tuple[int, int], keys_a_check: int
) -> Iterator[Counter[str]]:
    """Walk once over the keys of a pattern; what one step found is checked while the next scans.

    The number of keys before and after each SCAN, sent in one go, tells what it reclaimed: keys
    that are over are no longer given out.
    """
    with _wire(node) as wire:
        _send_scan(wire, b"0", pattern)
        is_scanning, checks_sent = True, 0
        while is_scanning or checks_sent:
            step: Counter[str] = Counter()
            keys: list[bytes] = []
            if is_scanning:
                keys_before, (cursor, keys), keys_after = (wire.read_response() for _ in range(3))
                step["expired"] = max(0, keys_before - keys_after)
                is_scanning = int(cursor) != 0
                if is_scanning:
                    _send_scan(wire, cursor, pattern)
            for _ in range(checks_sent):
                step.update(dict(zip(_VERDICTS, wire.read_response(), strict=True)))
            found = [key for key in dict.fromkeys(keys) if not is_own(key)]
            step["scanned"] = len(keys)
            step["own"] = sum(map(is_own, keys))
            yield step
            pages = [found[at : at + keys_a_check] for at in range(0, len(found), keys_a_check)]
            _send(wire, *(("EVAL", _REMOVE_IDLE_KEYS, len(page), *page, *checks) for page in pages))
            checks_sent = len(pages)


@contextmanager
def _wire(node: redis.Redis) -> Iterator[Any]:
    """Give a connection whose replies are read later than its next commands are sent."""
    pool: Any = node.connection_pool
    connection = pool.get_connection()
    try:
        yield connection
    except BaseException:
        # Replies may be on their way that nobody will read.
        connection.disconnect()
        raise
    finally:
        pool.release(connection)


def _send_scan(wire: Any, cursor: bytes, pattern: str) -> None:
    _send(wire, ("DBSIZE",), ("SCAN", cursor, "MATCH", pattern, "COUNT", _SCAN_COUNT), ("DBSIZE",))


def _send(wire: Any, *commands: tuple[Any, ...]) -> None:
    if commands:
        wire.send_packed_command(wire.pack_commands(commands))


def _facts(node: redis.Redis) -> Facts:
    """Return what the server says of itself, or nothing where this user may not ask."""
    try:
        return dict(node.info())
    except NoPermissionError:
        return {}


def _is_read_only(facts: Facts) -> bool:
    return facts.get("role") == "slave" and facts.get("slave_read_only", 1) == 1


def _is_out_of_memory(facts: Facts) -> bool:
    limit = facts.get("maxmemory", 0)
    evicts = str(facts.get("maxmemory_policy", "")).startswith("allkeys")
    return 0 < limit < facts.get("used_memory", 0) and not evicts


def _memory(facts: list[Facts]) -> int | None:
    known = [int(entry["used_memory"]) for entry in facts if "used_memory" in entry]
    return sum(known) if known else None
