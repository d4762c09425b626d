"""Which days of which locations are to be written: missing ones, late ones, forced ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from analytics_scheduler.snapshots.context import Located, RunContext, day_count, uuid_array
from analytics_scheduler.snapshots.prices import PriceHistory, read_history
from analytics_scheduler.snapshots.request import SnapshotRequest
from analytics_scheduler.vocabulary import PeriodType

# So few locations are looked up one by one; of more the range is read.
_LOOKED_UP = 20


@dataclass(frozen=True, slots=True)
class BatchScope:
    """The locations of a batch, in the order of their ids, and the range of ids they fill."""

    locations: list[UUID]
    after: UUID | None
    until: UUID | None
    array: str

    @classmethod
    def of(
        cls, locations: list[UUID], after: UUID | None = None, until: UUID | None = None
    ) -> BatchScope:
        """Return the scope of these locations."""
        return cls(locations, after, until, uuid_array(locations))

    def array_of(self, locations: list[UUID]) -> str:
        """Return locations of the batch, often all of them, as the text of an array."""
        return self.array if locations is self.locations else uuid_array(locations)

    def located(self, locations: Sequence[UUID]) -> Located:
        """Return how to limit a statement to these locations of the batch."""
        if len(locations) < len(self.locations) or len(locations) <= _LOOKED_UP:
            return Located(None)
        return Located(self.parameters)

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that a statement needs for `located`."""
        return {"after": self.after, "until": self.until}


@dataclass(frozen=True, slots=True)
class StoredDays:
    """What is stored of a batch: from where it is looked back on, until when, and how whole."""

    first_day: date | None
    last_day: date | None
    wanted_days: int
    has_gaps: bool


def read_stored_days(
    context: RunContext, scope: BatchScope, request: SnapshotRequest
) -> StoredDays:
    """Return what is stored of a batch, as far as the run must know."""
    snapshots = context.setup.snapshots
    row = context.execute(
        "read_stored_days",
        {
            "locations": scope.array,
            "first_day": request.first_day,
            "last_day": request.last_day,
            "lookback_days": snapshots.lookback_days if request.catches_up else 0,
            "catchup_days": snapshots.catchup_days if request.catches_up else 0,
        },
        first_known_day=context.part("_first_known_day"),
    ).fetchone()
    return StoredDays(*row) if row else StoredDays(None, None, 0, has_gaps=False)


def plan_days(
    context: RunContext, scope: BatchScope, request: SnapshotRequest, stored: StoredDays
) -> PriceHistory:
    """Fill wanted_days for a batch and return the price history that its days need."""
    changed = find_changed_days(context, scope, request, stored)
    snapshots = context.setup.snapshots
    context.execute(
        "plan_days",
        {
            "locations": scope.array,
            "first_day": request.first_day,
            "last_day": request.last_day,
            "has_missing": stored.wanted_days
            < len(scope.locations) * day_count(request.first_day, request.last_day),
            "catchup_days": snapshots.catchup_days if stored.has_gaps else 0,
            "changed_locations": list(changed),
            "changed_days": list(changed.values()),
            "force": request.force,
            "priced_at": context.priced_at,
            "timezone": context.timezone,
            "cogs_includes_waste": snapshots.cogs_includes_waste,
            "period_type": request.period_type.value,
            "period_starts": request.period_starts,
        },
        first_known_day=context.part("_first_known_day"),
    )
    return read_history(context.connection, context.setup.database)


def find_changed_days(
    context: RunContext, scope: BatchScope, request: SnapshotRequest, stored: StoredDays
) -> dict[UUID, date]:
    """Return the first day of each location whose movements are not those that were processed.

    A healing run looks back over the days of the setting; any run looks at its own stored days,
    save that a first composition of a week or month trusts the days it finds.
    """
    if stored.first_day is None or stored.last_day is None:
        return {}
    if request.period_type is not PeriodType.DAILY and not _is_composed(context, scope, request):
        return {}
    last_day = min(stored.last_day, request.last_day)
    count = day_count(stored.first_day, last_day)
    if count < 1:
        return {}
    starts = context.instants(stored.first_day, count)
    rows = context.execute(
        "find_changed_days",
        {
            **scope.parameters,
            "locations": scope.array,
            "first_day": stored.first_day,
            "day_count": count,
            "timezone": context.timezone,
            "starts": starts,
            "first_start": starts[0],
            "last_end": starts[-1],
        },
        fingerprint=context.part("_movement_fingerprint"),
        located=scope.located(scope.locations).of("m.location_id"),
    )
    return dict(rows.fetchall())


def _is_composed(context: RunContext, scope: BatchScope, request: SnapshotRequest) -> bool:
    row = context.execute(
        "has_composed_periods",
        {
            "locations": scope.array,
            "period_type": request.period_type.value,
            "period_starts": request.period_starts,
        },
    ).fetchone()
    return bool(row and row[0])
