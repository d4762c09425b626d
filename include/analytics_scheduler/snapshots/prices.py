"""Costs and prices as runs saw them: a stored day keeps the prices that it was valued at.

Every run stores what changed since the last one. Prices are the same at two moments between which
nothing was stored; such a stretch of time is one version of the prices.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from analytics_scheduler.database import limit_lock_waits

if TYPE_CHECKING:
    from analytics_scheduler.queries import Queries

_LOCK_KEY = 7_261_400_311_905_524_002
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PriceVersion:
    """A stretch of time without a change of prices; `until` is None while it lasts."""

    since: datetime
    until: datetime | None

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters `priced_from` and `priced_until` of a statement."""
        return {"priced_from": self.since, "priced_until": self.until}


@dataclass(frozen=True, slots=True)
class PriceHistory:
    """The moments at which a run saw changed prices, in order."""

    changes: tuple[datetime, ...]

    def version_at(self, moment: datetime) -> PriceVersion:
        """Return the version that holds a moment."""
        place = bisect_right(self.changes, moment)
        return PriceVersion(
            self.changes[place - 1] if place else _BEGINNING,
            self.changes[place] if place < len(self.changes) else None,
        )


def observe_prices(queries: Queries) -> datetime:
    """Store every changed cost and price, and return the moment; commits."""
    with queries.connection.transaction():
        limit_lock_waits(queries)
        observed_at: datetime
        [(_, observed_at)] = queries.run("lock_prices", key=_LOCK_KEY)
        queries.run("observe_prices", observed_at=observed_at)
    return observed_at


def read_history(queries: Queries) -> PriceHistory:
    """Return the changes of prices that runs have seen."""
    return PriceHistory(tuple(moment for (moment,) in queries.run("list_price_changes")))
