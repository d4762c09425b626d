"""Publish the latest figures of each location to Redis, for applications to read.

A publish writes the entries of all active locations, so the next one makes up for one that failed.
When all entries are written, the version of the period type rises if any of them has changed. A key
marks an unfinished publish: the next publish then raises the version in any case, because it cannot
know which entries the unfinished one had already changed.
"""

from __future__ import annotations

import re
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from redis.cluster import RedisCluster

from analytics_scheduler.cache.connection import find_cache
from analytics_scheduler.cache.deadline import TimedCache
from analytics_scheduler.cache.keys import entry_key, publishing_key, version_key
from analytics_scheduler.cache.publisher_lock import publishing_alone
from analytics_scheduler.database import limit_lock_waits, time_limit, translated_errors
from analytics_scheduler.errors import DatabaseRefusedError, DatabaseUnavailableError
from analytics_scheduler.snapshots.metrics import columns
from analytics_scheduler.vocabulary import PeriodType

if TYPE_CHECKING:
    from analytics_scheduler.cache.connection import Cache
    from analytics_scheduler.cache.publisher_lock import PublisherLock
    from analytics_scheduler.queries import Queries
    from analytics_scheduler.settings import CacheSettings

# A page of entries is read, compared and written with three round trips. It bounds the memory: an
# entry takes about a kilobyte here.
_ENTRIES_A_PAGE = 5_000
_ENTRIES_A_SCRIPT = 100
_WRITE_ENTRIES = (Path(__file__).parent / "write_entries.lua").read_text("utf-8")
# For all period types together, connecting included. The task of a run has a minute after its
# writing.
SECONDS_TO_PUBLISH = 30.0
_TTL_SPREAD = 10  # up to a tenth of the TTL is added
# What INCR can count on from; the version has a few digits, or is the time in seconds.
_COUNTABLE = re.compile(rb"0|[1-9]\d{0,17}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishReport:
    """How many entries a publish wrote, how many of them were new or changed, and the version."""

    period_type: PeriodType
    published: int
    changed: int
    version: int


class Entry(NamedTuple):
    """The latest figures of a location, as JSON."""

    location_id: str
    figures: str


def publish_figures(
    queries: Queries,
    settings: CacheSettings,
    period_types: Iterable[PeriodType],
    *,
    through_airflow: bool = False,
) -> list[PublishReport]:
    """Publish the latest figures of some period types, within `SECONDS_TO_PUBLISH`.

    A transaction that the caller left open is committed first; none is open while Redis is waited
    for. Raises CacheUnavailableError or one of the database's errors. The caller has nothing to
    undo, because the next run publishes everything again: see `not_published`.
    """
    with translated_errors(queries.connection):
        queries.connection.commit()
    server = find_cache(settings, through_airflow=through_airflow)
    with closing(TimedCache(server, SECONDS_TO_PUBLISH)) as cache:
        return [_publish(cache, queries, settings, period_type) for period_type in period_types]


def _publish(
    cache: TimedCache, queries: Queries, settings: CacheSettings, period_type: PeriodType
) -> PublishReport:
    """Write the latest figures of every active location, and raise the version if any changed.

    These are the figures of the newest stored period, whichever period the last run wrote.
    """
    published = changed = 0
    ttl = settings.snapshot_ttl_seconds
    with publishing_alone(cache, period_type) as lock:
        for page in _pages(cache, queries, period_type):
            changed += cache.run(_publish_page, lock, period_type, page, ttl)
            published += len(page)
        version = cache.run(_finish, lock, period_type, has_changed=changed > 0)
    return PublishReport(
        period_type=period_type, published=published, changed=changed, version=version
    )


def _pages(cache: TimedCache, queries: Queries, period_type: PeriodType) -> Iterator[list[Entry]]:
    """Give the entries page by page; each is read in a transaction of its own."""
    after = None
    while True:
        with _in_time(cache, queries), queries.connection.transaction():
            limit_lock_waits(queries)
            rows = queries.run(
                "list_latest_figures",
                parts={"figures": columns("s", as_text=True)},
                period_type=period_type,
                after=after,
                size=_ENTRIES_A_PAGE,
            ).fetchall()
        if rows:
            yield [Entry(*row) for row in rows]
        if len(rows) < _ENTRIES_A_PAGE:
            return
        after = rows[-1][0]


@contextmanager
def _in_time(cache: TimedCache, queries: Queries) -> Iterator[None]:
    """Let the database take no longer than publishing may."""
    try:
        with (
            translated_errors(queries.connection),
            time_limit(queries.connection, cache.seconds_left()),
        ):
            yield
    except (DatabaseRefusedError, DatabaseUnavailableError) as error:
        if cache.seconds_left():
            raise
        raise DatabaseRefusedError(
            "Reading the latest figures from the database took too long: "
            f"{SECONDS_TO_PUBLISH:g} seconds are allowed to publish them all."
        ) from error


def _publish_page(
    client: Cache, lock: PublisherLock, period_type: PeriodType, page: list[Entry], daily_ttl: int
) -> int:
    """Write a page, and return how many of its entries were new or changed.

    An entry that is stored already only gets a new TTL.
    """
    stored = _stored(client, period_type, page)
    lean = [
        Entry(entry.location_id, "") if old == entry.figures.encode() else entry
        for old, entry in zip(stored, page, strict=True)
    ]
    changed = sum(entry.figures != "" for entry in lean)
    # In a cluster, this is the only time that the lock is looked at.
    lock.require(client)
    if changed:
        client.set(publishing_key(period_type), "1")
    if not _write(client, lock, period_type, lean, daily_ttl):
        _write(client, lock, period_type, page, daily_ttl)
    return changed


def _stored(client: Cache, period_type: PeriodType, page: Sequence[Entry]) -> list[bytes | None]:
    pipeline: Any = client.pipeline(transaction=False)
    for entry in page:
        pipeline.get(entry_key(period_type, entry.location_id))
    return list(pipeline.execute())


def _write(
    client: Cache,
    lock: PublisherLock,
    period_type: PeriodType,
    page: Sequence[Entry],
    daily_ttl: int,
) -> bool:
    """Write a page; return False if one of its entries needed only its TTL, but has expired."""
    is_cluster = isinstance(client, RedisCluster)
    # The keys of one script must belong to one slot of a cluster.
    size = 1 if is_cluster else _ENTRIES_A_SCRIPT
    lock_keys, tokens = ([], []) if is_cluster else ([lock.key], [lock.token])
    pipeline: Any = client.pipeline(transaction=False)
    for at in range(0, len(page), size):
        entries = page[at : at + size]
        keys = [entry_key(period_type, entry.location_id) for entry in entries] + lock_keys
        values = [
            value
            for entry in entries
            for value in (entry.figures, ttl_seconds(period_type, entry.location_id, daily_ttl))
        ]
        # The pipeline of a cluster has no method `eval`.
        pipeline.execute_command("EVAL", _WRITE_ENTRIES, len(keys), *keys, *values, *tokens)
    replies = pipeline.execute()
    if -1 in replies:
        raise lock.lost()
    return 0 not in replies


def _finish(
    client: Cache, lock: PublisherLock, period_type: PeriodType, *, has_changed: bool
) -> int:
    """Raise the version if something has changed, then remove the mark; return the version."""
    lock.require(client)
    key, mark = version_key(period_type), publishing_key(period_type)
    stored: Any = client.get(key)
    stored = b"0" if stored is None else stored
    if not _COUNTABLE.fullmatch(stored):
        # Nobody knows which numbers applications have seen; this one is higher than a count.
        client.set(key, int(time.time()))
    elif not has_changed and not client.exists(mark):
        return int(stored)
    version = int(client.incr(key))
    client.delete(mark)
    return version


def ttl_seconds(period_type: PeriodType, location_id: str, daily_ttl: int) -> int:
    """Return the TTL of an entry in seconds: that of its period type, and up to a tenth more.

    Each day of the period counts like a daily entry, so that every entry outlives the same number
    of missed runs. What is added depends on the location, so that they do not all expire at once.
    """
    ttl = daily_ttl * period_type.most_days
    return ttl + zlib.crc32(location_id.encode()) % (ttl // _TTL_SPREAD + 1)
