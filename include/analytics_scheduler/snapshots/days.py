"""A group of days, computed from the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from analytics_scheduler.output import counted
from analytics_scheduler.snapshots.context import TEN_MILLIONTHS, THOUSANDTHS, day_count
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

# Limits of a day's amounts, in ten-millionths of the currency and thousandths of a piece: half a
# unit above the largest number of a snapshot's column, because anything less is rounded down to it;
# and half of what a bigint holds, so that sums of two such numbers never overflow.
_AMOUNTS = ("total_inventory_value", "wastage_value", "revenue", "cost_of_goods_sold")
_MONEY_BOUND = int((min(largest(name) for name in _AMOUNTS) + Decimal("0.005")) * TEN_MILLIONTHS)
_QUANTITY_BOUND = int((largest("total_items") + Decimal("0.5")) * THOUSANDTHS)
_SUM_BOUND = 2**62
_PROBLEMS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class UnusableDay:
    """A wanted day that cannot be stored; without problems a figure does not fit its column."""

    location: UUID
    day: date
    has_problems: bool
    priced_at: datetime


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
        parts=context.movements_and_stock,
        **batch.filter(locations),
        balance_source=source.value,
        starts=starts,
        first_start=starts[0],
        last_end=starts[-1],
        first_day=group.first_day,
        last_day=group.last_day,
        day_count=day_count(group.first_day, group.last_day),
        priced_at=priced_at or group.priced_at,
        unit=context.unit,
    )
    return int(context.queries.value("count_movements_read"))


def add_new_days(context: RunContext, group: DayGroup) -> list[UnusableDay]:
    """Add the computed days that are wanted to new_days; return those that cannot be stored."""
    unusable = _discard_unusable(context, group)
    context.queries.run("add_new_days", **group.price_version.parameters)
    return unusable


def _discard_unusable(context: RunContext, group: DayGroup) -> list[UnusableDay]:
    rows = context.queries.run(
        "find_unusable_days",
        **group.price_version.parameters,
        quantity_bound=_QUANTITY_BOUND,
        money_bound=_MONEY_BOUND,
        sum_bound=_SUM_BOUND,
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


def revalue_openings(context: RunContext, batch: Batch, history: PriceHistory) -> None:
    """Value the opening of each new day at the prices of the day before, if those are older."""
    if not history.changes[1:]:  # there has never been another price
        return
    rows = context.queries.run(
        "find_repriced_days",
        locations=batch.array,
        timezone=context.timezone,
        price_changes=list(history.changes),
    ).fetchall()
    for day, older_moment, own_moment, locations in rows:
        context.queries.run("list_older_prices", priced_at=older_moment, unit=context.unit)
        context.queries.run(
            "revalue_openings",
            parts=context.movements_and_stock,
            locations=locations,
            day=day,
            day_start=context.instant(day),
            priced_at=own_moment,
            unit=context.unit,
        )
        context.queries.run("drop_older_prices")


def describe_unusable(
    context: RunContext, batch: Batch, unusable: Sequence[UnusableDay]
) -> dict[UUID, Failure]:
    """Return the failure of each location that has days which cannot be stored."""
    by_location: dict[UUID, list[UnusableDay]] = {}
    for entry in unusable:
        by_location.setdefault(entry.location, []).append(entry)
    failures = {}
    for location, entries in by_location.items():
        first, last = min(entry.day for entry in entries), max(entry.day for entry in entries)
        failures[location] = Failure(
            batch.label(location),
            _reason(context, entries, first),
            f"{first}" if first == last else f"{first}..{last}",
        )
    return failures


def _reason(context: RunContext, entries: Sequence[UnusableDay], first_day: date) -> str:
    if not any(entry.has_problems for entry in entries):
        return "a figure does not fit its column"
    rows = context.queries.run(
        "describe_problems",
        parts=context.movements_and_stock,
        location=entries[0].location,
        first_start=context.instant(first_day),
        priced_at=entries[0].priced_at,
        unit=context.unit,
    ).fetchall()
    problems = [f"{counted(count, noun)} {problem}" for count, noun, problem in rows]
    more = len(problems) - _PROBLEMS_SHOWN
    rest = [counted(more, "more kind") + " of problem"] if more > 0 else []
    return "; ".join([*problems[:_PROBLEMS_SHOWN], *rest])


def describe_overflow(context: RunContext, location: UUID) -> str:
    """Say which row of a location makes its sums larger than can be computed."""
    rows = context.queries.run(
        "find_largest_value", parts=context.movements_and_stock, location=location
    ).fetchall()
    context.connection.rollback()
    named = [
        f"{noun} of {quantity} pieces at a cost of {cost} and a price of {price}"
        for noun, quantity, cost, price in rows
    ]
    largest_value = _SUM_BOUND // TEN_MILLIONTHS
    return (
        f"{'; '.join(named) or 'a movement or stock row'}: their value is too large "
        f"(sums must stay below {largest_value:,})"
    )
