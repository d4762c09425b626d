"""Publish the latest figures of each location to Redis, for applications to read.

A publish writes the entries of all active locations, so the next one makes up for one that failed.
When all entries are written, the version of the period type rises if any of them has changed. A key
marks an unfinished publish: the next publish then raises the version in any case, because it cannot
know which entries the unfinished one had already changed.
"""

from __future__ import annotations

import secrets
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from analytics_scheduler.cache.connection import (
    cache_deadline,
    connected_cache,
    translated_cache_errors,
)
from analytics_scheduler.cache.keys import entry_key, lock_key, publishing_key, version_key
from analytics_scheduler.database import limit_lock_waits, translated_errors
from analytics_scheduler.errors import CacheUnavailableError
from analytics_scheduler.snapshots.metrics import columns
from analytics_scheduler.vocabulary import PeriodType

if TYPE_CHECKING:
    from analytics_scheduler.cache.connection import Cache
    from analytics_scheduler.errors import AnalyticsError
    from analytics_scheduler.queries import Queries
    from analytics_scheduler.settings import CacheSettings

# A page of entries is read, compared and written with two round trips. It bounds the memory: an
# entry takes about a kilobyte here.
_ENTRIES_A_PAGE = 5_000
# For all period types together. The task of a run has a minute after its writing.
SECONDS_TO_PUBLISH = 30.0
_SECONDS_BETWEEN_TRIES = 0.1
_SHARE_OF_WAITING = 0.8  # of that time, at most, for another publisher's turn
_TTL_SPREAD = 10  # up to a tenth of the TTL is added


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishReport:
    """How many entries a publish wrote, how many of them were new or changed, and the version."""

    period_type: PeriodType
    published: int
    changed: int
    version: int


def publish_figures(
    queries: Queries,
    settings: CacheSettings,
    period_types: Iterable[PeriodType],
    *,
    through_airflow: bool = False,
) -> None:
    """Publish the latest figures of some period types.

    Raises CacheUnavailableError or one of the database's errors. The caller has nothing to undo,
    because the next run publishes everything again: see `not_published`.
    """
    with (
        connected_cache(settings, through_airflow=through_airflow) as cache,
        cache_deadline(cache, SECONDS_TO_PUBLISH),
    ):
        for period_type in period_types:
            publish_latest(cache, queries, settings, period_type)


def not_published(error: AnalyticsError) -> str:
    """Return the warning of a run whose figures could not be published."""
    return f"The latest figures were not published; the next run publishes them. {error}"


def publish_latest(
    cache: Cache, queries: Queries, settings: CacheSettings, period_type: PeriodType
) -> PublishReport:
    """Write the latest figures of every active location, and raise the version if any changed.

    These are the figures of the newest stored period, whichever period the last run wrote. Raises
    CacheUnavailableError if Redis fails. A transaction that the caller left open is committed
    first; none is open while Redis is waited for.
    """
    published = changed = 0
    queries.connection.commit()
    with (
        translated_errors(queries.connection),
        translated_cache_errors(cache),
        _publishing_alone(cache, period_type),
    ):
        is_unfinished = bool(cache.exists(publishing_key(period_type)))
        for page in _pages(queries, period_type):
            changed_here = _count_changed(cache, period_type, page)
            if changed_here and not is_unfinished:
                cache.set(publishing_key(period_type), "1")
                is_unfinished = True
            _write(cache, period_type, page, settings.snapshot_ttl_seconds)
            published += len(page)
            changed += changed_here
        version = _finish(cache, period_type, has_changed=is_unfinished)
    return PublishReport(
        period_type=period_type, published=published, changed=changed, version=version
    )


@contextmanager
def _publishing_alone(cache: Cache, period_type: PeriodType) -> Iterator[None]:
    """Hold the lock of a period type, so that older figures never overwrite newer ones.

    It lies in Redis: one in the database would keep a transaction open while Redis is waited for.
    It expires when its holder's time is long up. Raises CacheUnavailableError if another holds it
    for most of our time.
    """
    key, token = lock_key(period_type), secrets.token_hex(16)
    milliseconds = int(2 * SECONDS_TO_PUBLISH * 1000)
    give_up = time.monotonic() + _SHARE_OF_WAITING * SECONDS_TO_PUBLISH
    # If an answer was lost, the driver has asked again, and finds its own token.
    while not cache.set(key, token, nx=True, px=milliseconds) and cache.get(key) != token.encode():
        if time.monotonic() > give_up:
            raise CacheUnavailableError(f"Another publisher holds the key {key}.")
        time.sleep(_SECONDS_BETWEEN_TRIES)
    try:
        yield
    finally:
        with suppress(RedisError):
            if cache.get(key) == token.encode():
                cache.delete(key)


def _pages(queries: Queries, period_type: PeriodType) -> Iterator[list[tuple[str, str]]]:
    """Give the entries page by page; each is read in a transaction of its own."""
    after = None
    while True:
        with queries.connection.transaction():
            limit_lock_waits(queries)
            page = queries.run(
                "list_latest_figures",
                parts={"figures": columns("s", as_text=True)},
                period_type=period_type,
                after=after,
                size=_ENTRIES_A_PAGE,
            ).fetchall()
        if page:
            yield page
        if len(page) < _ENTRIES_A_PAGE:
            return
        after = page[-1][0]


def _count_changed(cache: Cache, period_type: PeriodType, chunk: Sequence[tuple[str, str]]) -> int:
    pipeline: Any = cache.pipeline(transaction=False)
    for location_id, _ in chunk:
        pipeline.get(entry_key(period_type, location_id))
    stored = pipeline.execute()
    return sum(old != entry.encode() for old, (_, entry) in zip(stored, chunk, strict=True))


def _write(
    cache: Cache, period_type: PeriodType, chunk: Sequence[tuple[str, str]], daily_ttl: int
) -> None:
    pipeline: Any = cache.pipeline(transaction=False)
    for location_id, entry in chunk:
        seconds = ttl_seconds(period_type, location_id, daily_ttl)
        pipeline.set(entry_key(period_type, location_id), entry, ex=seconds)
    pipeline.execute()


def _finish(cache: Cache, period_type: PeriodType, *, has_changed: bool) -> int:
    """Raise the version if something has changed, then remove the mark; return the version."""
    if not has_changed:
        return int(cache.get(version_key(period_type)) or 0)
    version = int(cache.incr(version_key(period_type)))
    cache.delete(publishing_key(period_type))
    return version


def ttl_seconds(period_type: PeriodType, location_id: str, daily_ttl: int) -> int:
    """Return the TTL of an entry in seconds: that of its period type, and up to a tenth more.

    Each day of the period counts like a daily entry, so that every entry outlives the same number
    of missed runs. What is added depends on the location, so that they do not all expire at once.
    """
    ttl = daily_ttl * period_type.most_days
    return ttl + zlib.crc32(location_id.encode()) % (ttl // _TTL_SPREAD + 1)
