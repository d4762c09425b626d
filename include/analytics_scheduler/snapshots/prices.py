"""Costs and prices as they were seen: a stored day keeps the prices it was valued at.

Runs note what changed since the last run. Two moments between which nothing was noted have the
same prices; such a stretch is called an epoch.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psycopg import Connection, sql

from analytics_scheduler.database import statement
from analytics_scheduler.settings import DatabaseSettings

_LOCK_KEY = 7_261_400_311_905_524_002
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PriceVersion:
    """A stretch of time without a change of prices; `until` is None where it lasts."""

    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True)
class PriceHistory:
    """The moments at which prices were seen to change, in order."""

    changes: tuple[datetime, ...]

    def version_at(self, moment: datetime) -> PriceVersion:
        """Return the stretch that holds a moment."""
        place = bisect_right(self.changes, moment)
        return PriceVersion(
            self.changes[place - 1] if place else _BEGINNING,
            self.changes[place] if place < len(self.changes) else None,
        )


def observe_prices(connection: Connection[Any], settings: DatabaseSettings) -> datetime:
    """Note every changed cost and price, and return the moment; commits."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK_KEY,))
        observed_at: datetime
        [(observed_at,)] = connection.execute("SELECT clock_timestamp()").fetchall()
        connection.execute(
            statement("observe_prices", settings, whole_cents=whole_cents(settings)),
            {"observed_at": observed_at},
        )
    return observed_at


def read_history(
    connection: Connection[Any], settings: DatabaseSettings, *, since: datetime = _BEGINNING
) -> PriceHistory:
    """Return the changes of prices after a moment; the epochs before it count as one."""
    rows = connection.execute(
        statement("list_price_changes", settings), {"since": since}
    ).fetchall()
    return PriceHistory(tuple(row[0] for row in rows))


def whole_cents(settings: DatabaseSettings) -> sql.Composed:
    """Return the part of a statement that lists the prices of now."""
    return statement("_products_in_cents", settings)


def prices_at(settings: DatabaseSettings, parameter: str = "priced_at") -> sql.Composed:
    """Return the part of a statement that lists the prices seen at a parameter's moment."""
    return statement(
        "_prices_seen",
        settings,
        whole_cents=whole_cents(settings),
        moment=sql.Placeholder(parameter),
    )
