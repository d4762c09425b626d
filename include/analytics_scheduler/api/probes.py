"""Whether the database and the cache respond, through the connections that the tasks use."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from analytics_scheduler.api.snapshot_database import snapshot_queries
from analytics_scheduler.cache.connection import connected_cache
from analytics_scheduler.errors import AnalyticsError, NotConfiguredError
from analytics_scheduler.settings import CacheSettings
from analytics_scheduler.vocabulary import ServerState


@dataclass(frozen=True, slots=True)
class Probe:
    """How a server responded, in milliseconds, or the error, which contains no password."""

    state: ServerState
    milliseconds: float | None = None
    error: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the probe as it stands in the answer, without what is unknown."""
        body = {
            "state": self.state.value,
            "milliseconds": self.milliseconds,
            "error": self.error,
        }
        return {name: value for name, value in body.items() if value is not None}


def probe_database() -> Probe:
    """Run the cheapest statement in the database; the scheduler cannot do without it."""
    return _probe(_ask_database, unset=ServerState.DOWN)


def probe_cache() -> Probe:
    """Ping the cache, which is optional."""
    return _probe(_ask_cache, unset=ServerState.NOT_CONFIGURED)


def _ask_database() -> None:
    with snapshot_queries() as queries:
        queries.connection.execute("SELECT 1")


def _ask_cache() -> None:
    with connected_cache(CacheSettings.load(), through_airflow=True) as client:
        client.ping()


def _probe(ask: Callable[[], None], *, unset: ServerState) -> Probe:
    begun = time.perf_counter()
    try:
        ask()
    except NotConfiguredError as error:
        return Probe(unset, error=str(error))
    except AnalyticsError as error:
        return Probe(ServerState.DOWN, error=str(error))
    return Probe(ServerState.OK, round((time.perf_counter() - begun) * 1000, 1))
