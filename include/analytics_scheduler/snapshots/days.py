"""A group of days, computed from the ledger and stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from analytics_scheduler.output import counted
from analytics_scheduler.snapshots.context import day_count
from analytics_scheduler.snapshots.metrics import largest
from analytics_scheduler.snapshots.report import Failure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from analytics_scheduler.snapshots.context import RunContext
    from analytics_scheduler.snapshots.plan import DayGroup
    from analytics_scheduler.snapshots.prices import PriceHistory
    from analytics_scheduler.snapshots.ranges import Batch
    from analytics_scheduler.vocabulary import BalanceSource

# What a day may reach without overflowing the columns of its snapshot, in whole cents and in
# pieces; and half of what a bigint holds, so that sums of two such numbers never overflow.
_AMOUNTS = ("total_inventory_value", "wastage_value", "revenue", "cost_of_goods_sold")
_LARGEST_CENTS = int(min(largest(name) for name in _AMOUNTS) * 100)
_LARGEST_ITEMS = int(largest("total_items"))
_LARGEST_SUM = 2**62 - 1


@dataclass(frozen=True, slots=True)
class UnusableDay:
    """A wanted day that cannot be stored; without problems a figure does not fit its column."""

    location: UUID
    day: date
    has_problems: bool
    priced_at: datetime


class WrittenCounts(NamedTuple):
    """How many days a batch stored, caught up and repaired, and the first and last of them."""

    days_written: int
    days_caught_up: int
    days_repaired: int
    first_day: date
    last_day: date


def compute_days(
    context: RunContext,
    batch: Batch,
    group: DayGroup,
    source: BalanceSource,
    locations: Sequence[UUID],
    *,
    priced_at: datetime | None = None,
) -> int:
    """Compute the days of locations of a group, into the temporary table computed_days.

    They are valued at the group's prices, or at those of another moment. Returns how many movements
    were read.
    """
    starts = context.instants(group.first_day, group.last_day)
    context.queries.run("drop_computed_days")
    context.queries.run(
        "compute_days",
        **batch.filter(locations),
        balance_source=source.value,
        starts=starts,
        first_start=starts[0],
        last_end=starts[-1],
        first_day=group.first_day,
        last_day=group.last_day,
        day_count=day_count(group.first_day, group.last_day),
        priced_at=priced_at or group.priced_at,
    )
    return int(context.queries.value("count_movements_read"))


def store_days(
    context: RunContext, batch: Batch, group: DayGroup, history: PriceHistory, run_id: str
) -> list[UnusableDay]:
    """Store the computed days that are wanted; return those that cannot be stored."""
    unusable = _discard_unusable(context, group)
    if history.has_older(group.price_version):
        _revalue_openings(context, batch, group)
    context.queries.run(
        "store_days",
        **group.price_version.parameters,
        cogs_includes_waste=context.settings.snapshots.cogs_includes_waste,
        timezone=context.timezone,
        run_id=run_id,
    )
    return unusable


def _discard_unusable(context: RunContext, group: DayGroup) -> list[UnusableDay]:
    rows = context.queries.run(
        "find_unusable_days",
        **group.price_version.parameters,
        largest_items=_LARGEST_ITEMS,
        largest_cents=_LARGEST_CENTS,
        largest_sum=_LARGEST_SUM,
    )
    unusable = [
        UnusableDay(location, day, has_problems, group.priced_at)
        for location, day, has_problems in rows
    ]
    if unusable:
        context.queries.run(
            "discard_days",
            locations=[entry.location for entry in unusable],
            days=[entry.day for entry in unusable],
        )
    return unusable


def _revalue_openings(context: RunContext, batch: Batch, group: DayGroup) -> None:
    rows = context.queries.run(
        "find_repriced_days",
        **group.price_version.parameters,
        locations=batch.array_of(group.locations),
    ).fetchall()
    for day, older_moment, locations in rows:
        context.queries.run("list_older_prices", priced_at=older_moment)
        context.queries.run(
            "revalue_openings",
            locations=locations,
            day=day,
            day_start=context.instant(day),
            priced_at=group.priced_at,
        )
        context.queries.run("drop_older_prices")


def count_written_days(context: RunContext, first_day: date) -> WrittenCounts | None:
    """Return what the batch has stored, or None if it stored nothing."""
    [row] = context.queries.run("count_written_days", first_day=first_day)
    counts = WrittenCounts(*row)
    return counts if counts.days_written else None


def describe_unusable(
    context: RunContext, batch: Batch, unusable: Sequence[UnusableDay]
) -> list[Failure]:
    """Return a failure for each location that has days that cannot be stored."""
    by_location: dict[UUID, list[UnusableDay]] = {}
    for entry in unusable:
        by_location.setdefault(entry.location, []).append(entry)
    failures = []
    for location, entries in sorted(by_location.items()):
        first, last = min(entry.day for entry in entries), max(entry.day for entry in entries)
        failures.append(
            Failure(
                batch.label(location),
                _reason(context, entries, first),
                f"{first}" if first == last else f"{first}..{last}",
            )
        )
    return failures


def _reason(context: RunContext, entries: Sequence[UnusableDay], first_day: date) -> str:
    if not any(entry.has_problems for entry in entries):
        return "a figure does not fit its column"
    problems = context.queries.run(
        "describe_problems",
        location=entries[0].location,
        first_start=context.instant(first_day),
        priced_at=entries[0].priced_at,
    )
    return "; ".join(f"{counted(count, noun)} {problem}" for count, noun, problem in problems)
