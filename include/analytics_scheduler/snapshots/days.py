"""Days of locations: what is wanted, computed in as few passes as possible, and stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import sql

from analytics_scheduler.periods import Period
from analytics_scheduler.prices import Epoch, PriceHistory, prices_at, read_history
from analytics_scheduler.snapshots.request import SnapshotRequest
from analytics_scheduler.snapshots.workbench import Located, Workbench, day_count

# So few locations are looked up one by one; of more the range is read.
_LOOKED_UP = 20


@dataclass(frozen=True, slots=True)
class BatchScope:
    """The locations of a batch, in the order of their ids, and the range of ids they fill."""

    locations: list[UUID]
    after: UUID | None
    until: UUID | None

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
class Pass:
    """One reading of the ledger: consecutive days of locations at the prices of one epoch."""

    epoch: Epoch
    priced_at: datetime
    first_day: date
    last_day: date
    locations: list[UUID]
    is_missing: bool


@dataclass(frozen=True, slots=True)
class UnusableDay:
    """A wanted day that cannot be stored."""

    location: UUID
    day: date
    has_problems: bool
    priced_at: datetime


@dataclass(frozen=True, slots=True)
class StoredExtent:
    """What is stored of a batch: from where it is looked back on, until when, and how whole."""

    first_day: date | None
    last_day: date | None
    wanted_days: int
    has_gaps: bool


def read_extent(bench: Workbench, scope: BatchScope, request: SnapshotRequest) -> StoredExtent:
    """Return what is stored of a batch, as far as the run must know."""
    snapshots = bench.setup.snapshots
    row = bench.execute(
        "read_extent",
        {
            "locations": scope.locations,
            "first_day": request.first_day,
            "last_day": request.last_day,
            "lookback_days": snapshots.lookback_days if request.heals else 0,
            "catchup_days": snapshots.catchup_days if request.heals else 0,
        },
    ).fetchone()
    return StoredExtent(*row) if row else StoredExtent(None, None, 0, has_gaps=False)


def plan_days(
    bench: Workbench, scope: BatchScope, request: SnapshotRequest, extent: StoredExtent
) -> PriceHistory:
    """Fill wanted_days for a batch and return the price history that its days need."""
    changed = find_changed_days(bench, scope, request, extent)
    snapshots = bench.setup.snapshots
    bench.execute(
        "plan_days",
        {
            "locations": scope.locations,
            "first_day": request.first_day,
            "last_day": request.last_day,
            "has_missing": extent.wanted_days
            < len(scope.locations) * day_count(request.first_day, request.last_day),
            "catchup_days": snapshots.catchup_days if extent.has_gaps else 0,
            "changed_locations": list(changed),
            "changed_days": list(changed.values()),
            "force": request.force,
            "priced_at": bench.priced_at,
            "timezone": bench.timezone,
            "cogs_includes_waste": snapshots.cogs_includes_waste,
            "period_type": request.period.value,
            "slot_starts": request.slot_starts,
        },
    )
    return read_history(bench.connection, bench.setup.database)


def find_changed_days(
    bench: Workbench, scope: BatchScope, request: SnapshotRequest, extent: StoredExtent
) -> dict[UUID, date]:
    """Return the first day of each location whose movements are not those that were processed.

    A healing run looks back over the days of the setting; any run looks at its own stored days,
    save that a first composition of a week or month trusts the days it finds.
    """
    if extent.first_day is None or extent.last_day is None:
        return {}
    if request.period is not Period.DAILY and not _is_composed(bench, scope, request):
        return {}
    last_day = min(extent.last_day, request.last_day)
    count = day_count(extent.first_day, last_day)
    if count < 1:
        return {}
    starts = bench.instants(extent.first_day, count)
    rows = bench.execute(
        "find_changed_days",
        {
            **scope.parameters,
            "locations": scope.locations,
            "first_day": extent.first_day,
            "day_count": count,
            "timezone": bench.timezone,
            "starts": starts,
            "first_start": starts[0],
            "last_end": starts[-1],
        },
        fingerprint=bench.part("fingerprint"),
        located=scope.located(scope.locations).of("m.location_id"),
    )
    return dict(rows.fetchall())


def _is_composed(bench: Workbench, scope: BatchScope, request: SnapshotRequest) -> bool:
    row = bench.execute(
        "is_composed",
        {
            "locations": scope.locations,
            "period_type": request.period.value,
            "slot_starts": request.slot_starts,
        },
    ).fetchone()
    return bool(row and row[0])


def plan_passes(bench: Workbench, history: PriceHistory) -> list[Pass]:
    """Group what is wanted: locations that begin on the same day at the same prices go together."""
    extents: dict[tuple[UUID, Epoch], list[Any]] = {}
    for location, priced_at, is_missing, first, last in bench.execute("group_wanted_days"):
        key = (location, history.epoch_of(priced_at))
        known = extents.setdefault(key, [first, last, is_missing, priced_at])
        known[0] = min(known[0], first)
        known[1] = max(known[1], last)
        known[2] = known[2] and is_missing
        known[3] = max(known[3], priced_at)
    groups: dict[tuple[Epoch, date, bool], list[tuple[UUID, date, datetime]]] = defaultdict(list)
    for (location, epoch), (first, last, is_missing, priced_at) in extents.items():
        groups[epoch, first, is_missing].append((location, last, priced_at))
    return [
        Pass(
            epoch=epoch,
            priced_at=max(priced_at for _, _, priced_at in members),
            first_day=first,
            last_day=max(last for _, last, _ in members),
            locations=sorted(location for location, _, _ in members),
            is_missing=is_missing,
        )
        for (epoch, first, is_missing), members in sorted(
            groups.items(), key=lambda group: (group[0][1], group[0][0].since)
        )
    ]


def anchored(bench: Workbench, planned: Pass) -> Iterator[tuple[str, list[UUID]]]:
    """Give the locations of a pass by what their closing stock is counted from.

    Recent days are rewound from the stock of now, which proves the figures. Old missing days are
    carried from a stored neighbour where there is one: that reads their own movements only.
    """
    remaining = set(planned.locations)
    lookback = timedelta(days=bench.setup.snapshots.lookback_days)
    is_old = bench.setup.calendar.day_of(bench.priced_at) - planned.last_day > lookback
    if planned.is_missing and is_old:
        rows = bench.execute(
            "find_neighbours",
            {
                "locations": planned.locations,
                "first_day": planned.first_day,
                "last_day": planned.last_day,
                "priced_from": planned.epoch.since,
                "priced_until": planned.epoch.until,
                "timezone": bench.timezone,
            },
        ).fetchall()
        for anchor, members in (
            ("day_before", [row[0] for row in rows if row[2]]),
            ("day_after", [row[0] for row in rows if row[1] and not row[2]]),
        ):
            if members:
                remaining.difference_update(members)
                yield anchor, members
    if remaining:
        yield "stock", sorted(remaining)


def compute_pass(
    bench: Workbench,
    scope: BatchScope,
    planned: Pass,
    anchor: str,
    locations: list[UUID],
    *,
    is_listed: bool = False,
) -> int:
    """Fill computed_days for locations of a pass; return how many movements were read.

    With `is_listed` the locations are looked up by their list even where they fill the scope.
    """
    count = day_count(planned.first_day, planned.last_day)
    starts = bench.instants(planned.first_day, count)
    located = Located(None) if is_listed else scope.located(locations)
    prices = prices_at(bench.setup.database)
    until = sql.SQL("TRUE") if anchor == "stock" else sql.SQL("m.created_at < %(last_end)s")
    anchor_parts: dict[str, sql.Composable] = (
        {"prices": prices, "located_stock": located.of("i.location_id")}
        if anchor == "stock"
        else {}
    )
    bench.execute("drop_computed_days")
    bench.execute(
        "compute_days",
        {
            **scope.parameters,
            "locations": locations,
            "starts": starts,
            "first_start": starts[0],
            "last_end": starts[-1],
            "first_day": planned.first_day,
            "last_day": planned.last_day,
            "day_count": count,
            "priced_at": planned.priced_at,
        },
        prices=prices,
        **_bucket_parts(count),
        fingerprint=bench.part("fingerprint"),
        until=until,
        located_movements=located.of("m.location_id"),
        anchor=bench.part(f"anchors/{anchor}", **anchor_parts),
    )
    row = bench.execute("count_movements_read").fetchone()
    return int(row[0]) if row else 0


def _bucket_parts(days: int) -> dict[str, sql.Composable]:
    # The planner knows how many truth values there are; of buckets it expects too many, and sorts.
    if days == 1:
        is_later = sql.SQL("m.created_at >= %(last_end)s")
        return {
            "bucket": sql.SQL("1 + ({})::integer").format(is_later),
            "bucket_key": sql.SQL("({})").format(is_later),
        }
    bucket = sql.SQL("width_bucket(m.created_at, %(starts)s)")
    return {"bucket": bucket, "bucket_key": bucket}


def repriced(planned: Pass, priced_at: datetime) -> Pass:
    """Return a pass over the same days at the prices of another moment."""
    return replace(planned, priced_at=priced_at)


def store_pass(
    bench: Workbench, planned: Pass, history: PriceHistory, run_id: str
) -> list[UnusableDay]:
    """Store what was computed and is wanted; return the days that could not be stored."""
    limits = {"priced_from": planned.epoch.since, "priced_until": planned.epoch.until}
    unusable = [
        UnusableDay(location, day, has_problems, planned.priced_at)
        for location, day, has_problems in bench.execute("find_unusable_days", limits)
    ]
    if unusable:
        bench.execute(
            "discard_days",
            {
                "locations": [entry.location for entry in unusable],
                "days": [entry.day for entry in unusable],
            },
        )
    if history.changes and planned.epoch.since > history.changes[0]:
        _revalue_openings(bench, planned)
    bench.execute(
        "store_days",
        {
            **limits,
            "cogs_includes_waste": bench.setup.snapshots.cogs_includes_waste,
            "timezone": bench.timezone,
            "run_id": run_id,
        },
    )
    return unusable


def _revalue_openings(bench: Workbench, planned: Pass) -> None:
    rows = bench.execute(
        "find_repriced_days",
        {
            "locations": planned.locations,
            "priced_from": planned.epoch.since,
            "priced_until": planned.epoch.until,
        },
    ).fetchall()
    for day, before, locations in rows:
        bench.execute(
            "revalue_openings",
            {
                "locations": locations,
                "day": day,
                "day_start": bench.instant(day),
                "before": before,
                "priced_at": planned.priced_at,
            },
            prices=prices_at(bench.setup.database),
            prices_before=prices_at(bench.setup.database, "before"),
        )
