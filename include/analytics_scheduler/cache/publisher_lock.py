"""The lock of a publisher in Redis: older figures never overwrite newer ones.

A lock in the database would keep a transaction open while Redis is waited for.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from analytics_scheduler.cache.keys import lock_key
from analytics_scheduler.errors import CacheUnavailableError

if TYPE_CHECKING:
    from analytics_scheduler.cache.connection import Cache
    from analytics_scheduler.cache.deadline import TimedCache
    from analytics_scheduler.vocabulary import PeriodType

_SECONDS_BETWEEN_TRIES = 0.1
# The lock outlives the deadline of its holder by this much, so that an abandoned step has ended.
# If the holder is killed, the next publisher waits until then.
_SECONDS_LONGER = 1.0
_RELEASE_LOCK = (Path(__file__).parent / "release_lock.lua").read_text("utf-8")


@dataclass(frozen=True, slots=True)
class PublisherLock:
    """A key that holds a token while its publisher writes.

    `ends_at` is the publisher's deadline, on the monotonic clock.
    """

    key: str
    token: str
    ends_at: float

    def require(self, client: Cache) -> None:
        """Raise CacheUnavailableError unless this publisher still holds the lock, and is in time.

        A step that continues after the deadline has been abandoned.
        """
        if client.get(self.key) != self.token.encode() or time.monotonic() > self.ends_at:
            raise self.lost()

    def lost(self) -> CacheUnavailableError:
        """Return the error of a publisher whose lock expired before it had finished."""
        return CacheUnavailableError(
            f"The key {self.key} expired or was deleted during a publish, so another publisher "
            "may have written newer figures."
        )

    def take(self, client: Cache, seconds: float) -> bool:
        """Take the lock for some seconds; return whether this publisher holds it."""
        milliseconds = int(seconds * 1000)
        if client.set(self.key, self.token, nx=True, px=milliseconds):
            return True
        # If an answer was lost, the driver has asked again, and finds its own token.
        return client.get(self.key) == self.token.encode()

    def release(self, client: Cache) -> None:
        """Let the next publisher begin."""
        client.eval(_RELEASE_LOCK, 1, self.key, self.token)


@contextmanager
def publishing_alone(cache: TimedCache, period_type: PeriodType) -> Iterator[PublisherLock]:
    """Hold the lock of a period type during the block, or until just after the deadline.

    Raises CacheUnavailableError if another publisher holds it until then.
    """
    ends_at = time.monotonic() + cache.seconds_left()
    lock = PublisherLock(lock_key(period_type), secrets.token_hex(16), ends_at)
    while not cache.run(lock.take, cache.seconds_left() + _SECONDS_LONGER):
        if cache.seconds_left() <= _SECONDS_BETWEEN_TRIES:
            raise CacheUnavailableError(f"Another publisher holds the key {lock.key}.")
        time.sleep(_SECONDS_BETWEEN_TRIES)
    try:
        yield lock
    finally:
        with suppress(CacheUnavailableError):
            cache.run(lock.release)
