"""Which days of a batch are written: missing, late and forced ones, in groups that go together."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from analytics_scheduler.snapshots.context import day_count
from analytics_scheduler.snapshots.prices import read_history
from analytics_scheduler.snapshots.ranges import uuid_array
from analytics_scheduler.vocabulary import BalanceSource, PeriodType

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date, datetime
    from uuid import UUID

    from analytics_scheduler.snapshots.context import RunContext
    from analytics_scheduler.snapshots.prices import PriceHistory, PriceVersion
    from analytics_scheduler.snapshots.ranges import Batch
    from analytics_scheduler.snapshots.request import SnapshotRequest


@dataclass(frozen=True, slots=True)
class StoredDays:
    """What is stored of a batch: the days to look back on, and the locations that lack days."""

    first_day: date | None
    last_day: date | None
    requested_days: int
    gap_locations: list[UUID]
    gap_first_days: list[date]


@dataclass(frozen=True, slots=True)
class DayGroup:
    """Days that one reading of the ledger computes: consecutive ones, at one version of prices."""

    price_version: PriceVersion
    priced_at: datetime
    first_day: date
    last_day: date
    locations: Sequence[UUID]
    is_missing: bool


@dataclass(frozen=True, slots=True)
class DayPlan:
    """The days that a batch writes, in groups, and the last one that was stored before."""

    groups: list[DayGroup]
    history: PriceHistory
    last_stored_day: date | None


def plan_days(context: RunContext, request: SnapshotRequest, batch: Batch) -> DayPlan:
    """Decide which days of a batch are written, into the temporary table wanted_days."""
    snapshots = context.settings.snapshots
    stored = _read_stored_days(context, request, batch)
    changed = _find_changed_days(context, request, batch, stored)
    requested = len(batch.ids) * day_count(request.first_day, request.last_day)
    context.queries.run(
        "plan_days",
        **request.parameters,
        locations=batch.array,
        first_day=request.first_day,
        last_day=request.last_day,
        has_missing=stored.requested_days < requested,
        gap_locations=uuid_array(stored.gap_locations),
        gap_first_days=stored.gap_first_days,
        catchup_days=snapshots.catchup_days,
        changed_locations=uuid_array(list(changed)),
        changed_days=list(changed.values()),
        force=request.force,
        priced_at=context.priced_at,
        timezone=context.timezone,
    )
    history = read_history(context.queries)
    return DayPlan(group_days(context, batch, history), history, stored.last_day)


def _read_stored_days(context: RunContext, request: SnapshotRequest, batch: Batch) -> StoredDays:
    snapshots = context.settings.snapshots
    [row] = context.queries.run(
        "read_stored_days",
        locations=batch.array,
        first_day=request.first_day,
        last_day=request.last_day,
        lookback_days=snapshots.lookback_days if request.catches_up else 0,
        catchup_days=snapshots.catchup_days if request.catches_up else 0,
    )
    return StoredDays(*row)


def _find_changed_days(
    context: RunContext, request: SnapshotRequest, batch: Batch, stored: StoredDays
) -> dict[UUID, date]:
    """Return the first day of each location whose movements are not those that were processed.

    A run that catches up looks back over the days of the setting; any run looks at its own stored
    days, except that a first composition of a week or month trusts the days that it finds.
    """
    if stored.first_day is None or stored.last_day is None:
        return {}
    last_day = min(stored.last_day, request.last_day)
    if stored.first_day > last_day:
        return {}
    if request.period_type is not PeriodType.DAILY and not context.queries.value(
        "has_composed_periods", locations=batch.array, **request.parameters
    ):
        return {}
    starts = context.instants(stored.first_day, last_day)
    rows = context.queries.run(
        "find_changed_days",
        parts=context.movements,
        **batch.filter(batch.ids),
        first_day=stored.first_day,
        day_count=day_count(stored.first_day, last_day),
        timezone=context.timezone,
        starts=starts,
        first_start=starts[0],
        last_end=starts[-1],
    )
    return dict(rows.fetchall())


def group_days(context: RunContext, batch: Batch, history: PriceHistory) -> list[DayGroup]:
    """Group the wanted days: locations that begin on the same day, at the same prices."""
    rows = context.queries.run("group_wanted_days", size=len(batch.ids)).fetchall()
    groups = [
        DayGroup(
            history.version_at(priced_at), priced_at, first, last, ids or batch.ids, is_missing
        )
        for priced_at, is_missing, first, last, ids in rows
    ]
    return groups if len(groups) == 1 else _merged(groups)


def _merged(groups: list[DayGroup]) -> list[DayGroup]:
    """Merge groups so that each location is read once for each version of the prices."""
    parts: dict[tuple[UUID, PriceVersion], list[DayGroup]] = defaultdict(list)
    for group in groups:
        for location in group.locations:
            parts[location, group.price_version].append(group)
    alike: dict[tuple[PriceVersion, date, bool], dict[UUID, list[DayGroup]]] = defaultdict(dict)
    for (location, version), own in parts.items():
        first_day = min(group.first_day for group in own)
        is_missing = all(group.is_missing for group in own)
        alike[version, first_day, is_missing][location] = own
    merged = []
    for (version, first_day, is_missing), members in alike.items():
        own = [group for groups_of_one in members.values() for group in groups_of_one]
        merged.append(
            DayGroup(
                price_version=version,
                priced_at=max(group.priced_at for group in own),
                first_day=first_day,
                last_day=max(group.last_day for group in own),
                locations=sorted(members),
                is_missing=is_missing,
            )
        )
    return sorted(merged, key=lambda group: (group.first_day, group.price_version.since))


def balance_sources(
    context: RunContext, batch: Batch, group: DayGroup
) -> Iterator[tuple[BalanceSource, Sequence[UUID]]]:
    """Give the locations of a group by what their closing stock is counted from.

    Recent days are counted back from the stock on hand, which checks the figures. Old missing days
    are carried from a stored neighbour, if there is one: only their own movements are read.
    """
    today = context.settings.calendar.day_of(context.priced_at)
    lookback = timedelta(days=context.settings.snapshots.lookback_days)
    if not group.is_missing or today - group.last_day <= lookback:
        yield BalanceSource.STOCK, group.locations
        return
    rows: list[tuple[Any, ...]] = context.queries.run(
        "find_neighbours",
        **group.price_version.parameters,
        locations=batch.array_of(group.locations),
        first_day=group.first_day,
        last_day=group.last_day,
        timezone=context.timezone,
    ).fetchall()
    before = [location for location, _, has_day_before in rows if has_day_before]
    after = [location for location, _, has_day_before in rows if not has_day_before]
    others = sorted(set(group.locations).difference(before, after))
    for source, members in (
        (BalanceSource.DAY_BEFORE, before),
        (BalanceSource.DAY_AFTER, after),
        (BalanceSource.STOCK, group.locations if not rows else others),
    ):
        if members:
            yield source, members
