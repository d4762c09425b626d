"""Whether the database and the cache answer, asked the way that the tasks reach them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from analytics_scheduler.cache.connection import connected_cache
from analytics_scheduler.database import connected
from analytics_scheduler.errors import AnalyticsError, SettingError
from analytics_scheduler.settings import CacheSettings, DatabaseSettings

_STATEMENT_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Probe:
    """What a server answered: ok, down or not configured; the error names no password."""

    state: str
    milliseconds: float | None = None
    error: str | None = None

    @property
    def is_down(self) -> bool:
        """Tell whether the server is configured and does not answer."""
        return self.state == "down"

    def as_dict(self) -> dict[str, Any]:
        """Return the probe as it is answered."""
        body: dict[str, Any] = {"state": self.state}
        if self.milliseconds is not None:
            body["milliseconds"] = self.milliseconds
        if self.error is not None:
            body["error"] = self.error
        return body


def api_database_settings() -> DatabaseSettings:
    """Return the database's settings with a limit on a statement that suits a waiting caller."""
    settings = DatabaseSettings.load()
    seconds = min(settings.task_timeout_seconds, _STATEMENT_SECONDS)
    return replace(settings, task_timeout_seconds=seconds)


def probe_database() -> Probe:
    """Ask the database for nothing but an answer."""
    return _probe(_ask_database, without="down")


def probe_cache() -> Probe:
    """Ask the cache for nothing but an answer; a package without a cache is whole."""
    return _probe(_ask_cache, without="not configured")


def _ask_database() -> None:
    with connected(api_database_settings(), through_airflow=True) as connection:
        connection.execute("SELECT 1")


def _ask_cache() -> None:
    with connected_cache(CacheSettings.load(), through_airflow=True) as client:
        client.ping()


def _probe(ask: Callable[[], None], *, without: str) -> Probe:
    begun = time.perf_counter()
    try:
        ask()
    except SettingError as error:
        state = without if "is not set" in str(error) else "down"
        return Probe(state, error=str(error))
    except AnalyticsError as error:
        return Probe("down", error=str(error))
    return Probe("ok", round((time.perf_counter() - begun) * 1000, 1))
