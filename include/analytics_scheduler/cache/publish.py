"""Publish the latest figures of each location to Redis, where applications read them.

Every publish writes the entries of all active locations, so one that failed is made up by the
next. The version of a period rises when an entry changed, after the last of them is written; a
mark that stands while a publish is not finished makes the next one raise it, come what may.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from analytics_scheduler.cache.connection import translated_cache_errors
from analytics_scheduler.cache.keys import entry_key, publishing_key, version_key
from analytics_scheduler.database import statement, translated_errors
from analytics_scheduler.vocabulary import PeriodType

if TYPE_CHECKING:
    from psycopg import Connection

    from analytics_scheduler.cache.connection import Cache
    from analytics_scheduler.settings import CacheSettings, DatabaseSettings

_ENTRIES_A_PIPELINE = 1_000
# An entry outlives one run that did not come: the setting says how long for a daily one.
_TTL_FACTOR = {PeriodType.DAILY: 1, PeriodType.WEEKLY: 7, PeriodType.MONTHLY: 31}
_JITTER_DIVISOR = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishReport:
    """What a publish wrote: entries in all, entries that are new or changed, and the version."""

    period_type: str
    published: int
    changed: int
    version: int

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return asdict(self)


def publish_latest(
    cache: Cache,
    connection: Connection[Any],
    database_settings: DatabaseSettings,
    cache_settings: CacheSettings,
    period_type: PeriodType,
) -> PublishReport:
    """Write the latest figures of every active location, and raise the version if any changed.

    Whatever period a run wrote, it is the latest one that is published. Raises
    CacheUnavailableError where Redis fails; the next publish then does it all. A transaction that
    the caller left open is committed first: what others commit meanwhile is seen.
    """
    published = changed = 0
    connection.commit()
    with (
        translated_errors(connection),
        translated_cache_errors(cache),
        connection.transaction(),
        connection.cursor(name="latest_figures") as rows,
    ):
        _wait_for_turn(connection, database_settings, period_type)
        rows.itersize = _ENTRIES_A_PIPELINE
        rows.execute(
            statement("list_latest_figures", database_settings),
            {"period_type": period_type.value},
        )
        is_unfinished = bool(cache.exists(publishing_key(period_type)))
        entries = iter(rows)
        while chunk := list(islice(entries, _ENTRIES_A_PIPELINE)):
            fresh = _count_changed(cache, period_type, chunk)
            if fresh and not is_unfinished:
                cache.set(publishing_key(period_type), "1")
                is_unfinished = True
            _write(cache, period_type, chunk, cache_settings.snapshot_ttl_seconds)
            published += len(chunk)
            changed += fresh
        version = _settle(cache, period_type, is_unfinished=is_unfinished)
    return PublishReport(
        period_type=period_type.value, published=published, changed=changed, version=version
    )


def _wait_for_turn(
    connection: Connection[Any], settings: DatabaseSettings, period_type: PeriodType
) -> None:
    connection.execute(
        statement("lock_publishing", settings),
        {
            "period_type": period_type.value,
            "lock_timeout": f"{settings.lock_timeout_seconds * 1000}",
        },
    )


def _count_changed(cache: Cache, period_type: PeriodType, chunk: Sequence[tuple[str, str]]) -> int:
    pipeline: Any = cache.pipeline(transaction=False)
    for location_id, _ in chunk:
        pipeline.get(entry_key(period_type, location_id))
    stored = pipeline.execute()
    return sum(old != entry.encode() for old, (_, entry) in zip(stored, chunk, strict=True))


def _write(
    cache: Cache, period_type: PeriodType, chunk: Sequence[tuple[str, str]], ttl: int
) -> None:
    pipeline: Any = cache.pipeline(transaction=False)
    for location_id, entry in chunk:
        seconds = ttl_seconds(period_type, location_id, ttl)
        pipeline.set(entry_key(period_type, location_id), entry, ex=seconds)
    pipeline.execute()


def _settle(cache: Cache, period_type: PeriodType, *, is_unfinished: bool) -> int:
    """Raise the version where something changed, then take the mark away; return the version."""
    if not is_unfinished:
        return int(cache.get(version_key(period_type)) or 0)
    version = int(cache.incr(version_key(period_type)))
    cache.delete(publishing_key(period_type))
    return version


def ttl_seconds(period_type: PeriodType, location_id: str, daily_ttl: int) -> int:
    """Return how long an entry lives: the setting times the period's days, and up to a tenth more.

    The part more differs from location to location, so that not all of them end at once.
    """
    ttl = daily_ttl * _TTL_FACTOR[period_type]
    return ttl + zlib.crc32(location_id.encode()) % (ttl // _JITTER_DIVISOR + 1)
