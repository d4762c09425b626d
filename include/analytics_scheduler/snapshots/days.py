"""Passes over the ledger: days of locations computed at one set of prices, and stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import sql

from analytics_scheduler.snapshots.context import Located, RunContext, day_count
from analytics_scheduler.snapshots.plan import BatchScope
from analytics_scheduler.snapshots.prices import PriceHistory, PriceVersion, prices_at


@dataclass(frozen=True, slots=True)
class Pass:
    """One reading of the ledger: consecutive days of locations at the prices of one epoch."""

    price_version: PriceVersion
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


def plan_passes(context: RunContext, scope: BatchScope, history: PriceHistory) -> list[Pass]:
    """Group what is wanted: locations that begin on the same day at the same prices go together."""
    rows = context.execute("group_wanted_days", {"size": len(scope.locations)}).fetchall()
    groups = [(*row, members or scope.locations) for *row, members in rows]
    if len(groups) == 1:
        priced_at, is_missing, first, last, members = groups[0]
        price_version = history.version_at(priced_at)
        return [Pass(price_version, priced_at, first, last, members, is_missing)]
    return _merged(groups, history)


def _merged(groups: list[tuple[Any, ...]], history: PriceHistory) -> list[Pass]:
    extents: dict[tuple[UUID, PriceVersion], list[Any]] = {}
    for priced_at, is_missing, first, last, members in groups:
        for location in members:
            key = (location, history.version_at(priced_at))
            known = extents.setdefault(key, [first, last, is_missing, priced_at])
            known[0] = min(known[0], first)
            known[1] = max(known[1], last)
            known[2] = known[2] and is_missing
            known[3] = max(known[3], priced_at)
    alike: dict[tuple[PriceVersion, date, bool], list[tuple[UUID, date, datetime]]] = defaultdict(
        list
    )
    for (location, price_version), (first, last, is_missing, priced_at) in extents.items():
        alike[price_version, first, is_missing].append((location, last, priced_at))
    return [
        Pass(
            price_version=price_version,
            priced_at=max(priced_at for _, _, priced_at in members),
            first_day=first,
            last_day=max(last for _, last, _ in members),
            locations=sorted(location for location, _, _ in members),
            is_missing=is_missing,
        )
        for (price_version, first, is_missing), members in sorted(
            alike.items(), key=lambda group: (group[0][1], group[0][0].since)
        )
    ]


def anchored(
    context: RunContext, scope: BatchScope, planned: Pass
) -> Iterator[tuple[str, list[UUID]]]:
    """Give the locations of a pass by what their closing stock is counted from.

    Recent days are rewound from the stock of now, which proves the figures. Old missing days are
    carried from a stored neighbour where there is one: that reads their own movements only.
    """
    remaining = planned.locations
    lookback = timedelta(days=context.setup.snapshots.lookback_days)
    is_old = context.setup.calendar.day_of(context.priced_at) - planned.last_day > lookback
    if planned.is_missing and is_old:
        rows = context.execute(
            "find_neighbours",
            {
                "locations": scope.array_of(planned.locations),
                "first_day": planned.first_day,
                "last_day": planned.last_day,
                "priced_from": planned.price_version.since,
                "priced_until": planned.price_version.until,
                "timezone": context.timezone,
            },
        ).fetchall()
        for anchor, members in (
            ("day_before", [row[0] for row in rows if row[2]]),
            ("day_after", [row[0] for row in rows if row[1] and not row[2]]),
        ):
            if members:
                left = set(remaining).difference(members)
                remaining = sorted(left)
                yield anchor, members
    if remaining:
        yield "stock", remaining


def compute_pass(
    context: RunContext,
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
    starts = context.instants(planned.first_day, count)
    located = Located(None) if is_listed else scope.located(locations)
    prices = prices_at(context.setup.database)
    until = sql.SQL("TRUE") if anchor == "stock" else sql.SQL("m.created_at < %(last_end)s")
    anchor_parts: dict[str, sql.Composable] = (
        {"prices": prices, "located_stock": located.of("i.location_id")}
        if anchor == "stock"
        else {}
    )
    context.execute("drop_computed_days")
    context.execute(
        "compute_days",
        {
            **scope.parameters,
            "locations": scope.array_of(locations),
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
        fingerprint=context.part("_movement_fingerprint"),
        until=until,
        located_movements=located.of("m.location_id"),
        anchor=context.part(f"_balance_from_{anchor}", **anchor_parts),
    )
    row = context.execute("count_movements_read").fetchone()
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
    context: RunContext, scope: BatchScope, planned: Pass, history: PriceHistory, run_id: str
) -> list[UnusableDay]:
    """Store what was computed and is wanted; return the days that could not be stored."""
    limits = {
        "priced_from": planned.price_version.since,
        "priced_until": planned.price_version.until,
    }
    unusable = [
        UnusableDay(location, day, has_problems, planned.priced_at)
        for location, day, has_problems in context.execute("find_unusable_days", limits)
    ]
    if unusable:
        context.execute(
            "discard_days",
            {
                "locations": [entry.location for entry in unusable],
                "days": [entry.day for entry in unusable],
            },
        )
    if history.changes and planned.price_version.since > history.changes[0]:
        _revalue_openings(context, scope, planned)
    context.execute(
        "store_days",
        {
            **limits,
            "cogs_includes_waste": context.setup.snapshots.cogs_includes_waste,
            "timezone": context.timezone,
            "run_id": run_id,
        },
    )
    return unusable


def _revalue_openings(context: RunContext, scope: BatchScope, planned: Pass) -> None:
    rows = context.execute(
        "find_repriced_days",
        {
            "locations": scope.array_of(planned.locations),
            "priced_from": planned.price_version.since,
            "priced_until": planned.price_version.until,
        },
    ).fetchall()
    for day, before, locations in rows:
        context.execute(
            "revalue_openings",
            {
                "locations": locations,
                "day": day,
                "day_start": context.instant(day),
                "before": before,
                "priced_at": planned.priced_at,
            },
            prices=prices_at(context.setup.database),
            prices_before=prices_at(context.setup.database, "before"),
        )
