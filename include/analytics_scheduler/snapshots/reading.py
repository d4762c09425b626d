"""One reading of stock and ledger: which days of some locations are written, with what amounts.

A reading is one REPEATABLE READ transaction. It puts what it finds into the temporary table
`new_days`, which stays until the session's next reading. Each batch writes its part of it in a
separate transaction.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise, starmap
from typing import TYPE_CHECKING, Any

from psycopg import IsolationLevel

from analytics_scheduler.snapshots.context import day_count
from analytics_scheduler.snapshots.days import (
    UnusableDay,
    add_new_days,
    compute_days,
    describe_unusable,
    revalue_openings,
)
from analytics_scheduler.snapshots.plan import balance_sources, plan_days
from analytics_scheduler.snapshots.ranges import EVERYTHING, Batch, LocationRange

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from psycopg import Connection

    from analytics_scheduler.snapshots.context import RunContext
    from analytics_scheduler.snapshots.prices import PriceHistory
    from analytics_scheduler.snapshots.report import Failure
    from analytics_scheduler.snapshots.request import SnapshotRequest

# What bounds the temporary tables and the memory of a reading.
_MOST_LOCATIONS = 20_000
_MOST_DAYS = 250_000


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of a reading, apart from the rows of `new_days`.

    `snapshot` says which transactions it saw, and `last_stored_day` what it saw of the package's
    own days. `failures` are the locations that have days which cannot be written.
    """

    locations: Batch
    snapshot: str
    history: PriceHistory
    has_new_days: bool
    last_stored_day: date | None
    failures: Mapping[UUID, Failure]
    movements_read: int

    @property
    def is_whole(self) -> bool:
        """Whether it has every location of its range, rather than some of them."""
        return self.locations.range is not None

    def batches(self, size: int) -> Iterator[LocationRange]:
        """Give the ranges of at most `size` locations that make up the reading, in order."""
        ids = self.locations.ids
        whole = self.locations.range or EVERYTHING
        after = whole.after
        for last in ids[size - 1 : -1 : size]:
            yield LocationRange(after, last)
            after = last
        # The last batch ends where the range ends: it holds locations created meanwhile.
        yield LocationRange(after, whole.until)

    def pieces(self, locations: LocationRange, *, one_by_one: bool) -> list[LocationRange]:
        """Cut a range in two, or between all locations of the reading; one location gives none."""
        after, until = locations.after, locations.until
        ids = [
            location
            for location in self.locations.ids
            if (after is None or location > after) and (until is None or location <= until)
        ]
        if len(ids) <= 1:
            return []
        cuts = ids[:-1] if one_by_one else [ids[len(ids) // 2 - 1]]
        return list(starmap(LocationRange, pairwise([after, *cuts, until])))


def reading_size(request: SnapshotRequest) -> int:
    """Return how many locations one reading has at most."""
    days = day_count(request.first_day, request.last_day)
    return max(1, min(_MOST_LOCATIONS, _MOST_DAYS // days))


def read(
    context: RunContext,
    request: SnapshotRequest,
    location_range: LocationRange,
    only: Collection[UUID] | None = None,
) -> Reading:
    """Read the active locations of a range, or only some of them, and find their new days.

    Any error of the database is raised; then nothing has been read.
    """
    queries = context.queries
    with _one_snapshot(context.connection):
        context.deadline.limit_transaction(queries)
        snapshot = queries.value("read_snapshot")
        names = dict(queries.run("list_locations", **location_range.parameters).fetchall())
        if only is not None:
            names = {location: name for location, name in names.items() if location in only}
        batch = Batch.of(names, location_range if only is None else None)
        queries.run("create_reading_tables")
        plan = plan_days(context, request, batch)
        unusable: list[UnusableDay] = []
        movements_read = 0
        for group in plan.groups:
            for source, locations in balance_sources(context, batch, group):
                movements_read += compute_days(context, batch, group, source, locations)
                unusable += add_new_days(context, group)
        if plan.groups:
            revalue_openings(context, batch, plan.history)
        return Reading(
            locations=batch,
            snapshot=snapshot,
            history=plan.history,
            has_new_days=bool(plan.groups),
            last_stored_day=plan.last_stored_day,
            failures=describe_unusable(context, batch, unusable),
            movements_read=movements_read,
        )


@contextmanager
def _one_snapshot(connection: Connection[Any]) -> Iterator[None]:
    """Let all statements of a transaction see the same state of the database."""
    before = connection.isolation_level
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    try:
        with connection.transaction():
            yield
    finally:
        if not connection.closed:
            connection.isolation_level = before
