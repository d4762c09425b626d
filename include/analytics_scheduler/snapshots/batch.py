"""One batch of locations: a transaction that locks them, and writes their new days and rows.

A run that writes the days of a location holds its row in `analytics_snapshot_locations`. So two
runs that meet take turns. What the later one has read may then be older than what the earlier one
wrote: such a location is stale, and read again.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg

from analytics_scheduler.snapshots.attempts import LocationsBusyError
from analytics_scheduler.snapshots.compose import WrittenDays, compose_periods
from analytics_scheduler.snapshots.ranges import Batch, uuid_array
from analytics_scheduler.snapshots.report import SnapshotReport, UnexplainedDay
from analytics_scheduler.vocabulary import PeriodType

if TYPE_CHECKING:
    from analytics_scheduler.snapshots.context import RunContext
    from analytics_scheduler.snapshots.ranges import LocationRange
    from analytics_scheduler.snapshots.reading import Reading
    from analytics_scheduler.snapshots.request import SnapshotRequest


def write_batch(
    context: RunContext, request: SnapshotRequest, reading: Reading, locations: LocationRange
) -> tuple[SnapshotReport, list[UUID]]:
    """Write what a reading found of a range of its locations, in one transaction.

    Returns the report, and the locations that are stale: nothing of them was written. Raises
    LocationsBusyError if another run holds one of them; any other error of the database rolls the
    whole batch back and is raised.
    """
    report = SnapshotReport.of(request)
    begun = time.monotonic()
    with context.connection.transaction():
        batch, stale = _lock(context, reading, locations)
        locked = time.monotonic()
        report.lock_seconds = locked - begun
        report.batches = 1
        report.locations = len(batch.ids)
        if not batch.ids:
            return report, stale
        report.failures = [reading.failures[each] for each in batch.ids if each in reading.failures]
        written = _write_days(context, request, reading, batch, report)
        stored = time.monotonic()
        report.days_seconds = stored - locked
        compose_periods(context, request, batch, written, report)
        report.compose_seconds = time.monotonic() - stored
    return report, stale


def _lock(
    context: RunContext, reading: Reading, locations: LocationRange
) -> tuple[Batch, list[UUID]]:
    queries = context.queries
    known = reading.locations.names
    chosen = None if reading.is_whole else reading.locations.array
    context.deadline.limit_transaction(queries)
    try:
        queries.run("register_locations", chosen=chosen, **locations.parameters)
        rows = queries.run("lock_locations", chosen=chosen, **locations.parameters).fetchall()
    except psycopg.errors.LockNotAvailable as error:
        raise LocationsBusyError from error
    names = {location: name for location, name in rows if location in known}
    stale = {location for location, _ in rows if location not in known}
    stale.update(
        location
        for (location,) in queries.run(
            "list_stale_locations", locations=uuid_array(list(names)), snapshot=reading.snapshot
        )
    )
    names = {location: name for location, name in names.items() if location not in stale}
    return Batch.of(names), sorted(stale)


def _write_days(
    context: RunContext,
    request: SnapshotRequest,
    reading: Reading,
    batch: Batch,
    report: SnapshotReport,
) -> WrittenDays:
    nothing = WrittenDays(request.first_day, request.last_day, has_longer=False, is_written=False)
    if not reading.has_new_days:
        return nothing
    price_changes = list(reading.history.changes)
    [row] = context.queries.run(
        "write_days",
        locations=batch.array,
        first_day=request.first_day,
        timezone=context.timezone,
        run_id=request.run_id,
        cogs_includes_waste=context.settings.snapshots.cogs_includes_waste,
        price_changes=price_changes,
        longer_types=PeriodType.longer(),
    )
    written, caught_up, repaired, unexplained, first_written, last_written, has_longer = row
    if not written:
        return nothing
    report.days_written = written
    report.days_repaired = repaired
    report.days_caught_up = caught_up if request.catches_up else 0
    first_day = min(first_written, request.first_day)
    last_day = max(last_written, request.last_day)
    if reading.last_stored_day is not None and first_written < reading.last_stored_day:
        context.queries.run(
            "update_following_days", locations=batch.array, price_changes=price_changes
        )
    if unexplained:
        rows = context.queries.run(
            "list_unexplained", locations=batch.array, first_day=first_day, last_day=last_day
        )
        report.unexplained += [
            UnexplainedDay(batch.label(location), day, items, value)
            for location, day, items, value in rows
        ]
    return WrittenDays(first_day, last_day, has_longer=has_longer)
