"""A run: readings, their batches, each committed by itself, and a count of what should be there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg

from analytics_scheduler.database import refusal
from analytics_scheduler.errors import DatabaseRefusedError
from analytics_scheduler.memory import peak_memory_mib
from analytics_scheduler.output import counted
from analytics_scheduler.snapshots.attempts import attempted, is_divisible, is_local, may_pass
from analytics_scheduler.snapshots.batch import write_batch
from analytics_scheduler.snapshots.context import prepare
from analytics_scheduler.snapshots.days import describe_overflow
from analytics_scheduler.snapshots.deadline import Deadline
from analytics_scheduler.snapshots.ranges import (
    EVERYTHING,
    LocationRange,
    cut_locations,
    location_label,
    next_range,
)
from analytics_scheduler.snapshots.reading import Reading, read, reading_size
from analytics_scheduler.snapshots.report import Failure, SnapshotReport

if TYPE_CHECKING:
    from uuid import UUID

    from psycopg import Connection

    from analytics_scheduler.queries import Queries
    from analytics_scheduler.snapshots.context import RunContext, RunSettings
    from analytics_scheduler.snapshots.request import SnapshotRequest

_LOGGER = logging.getLogger(__name__)
_MISSING_A_READ = 1_000
_MOST_READINGS = 4
_MOST_LOCKED = 3
_SECONDS_TO_RECORD = 20
_ALWAYS_STALE = "another run wrote it each time after this run had read it"

Progress = Callable[[SnapshotReport], None]


def take_snapshots(
    connection: Connection[Any],
    settings: RunSettings,
    request: SnapshotRequest,
    *,
    progress: Progress | None = None,
) -> SnapshotReport:
    """Write all requested periods of all locations, count what is there, and report it."""
    context = prepare(connection, settings)
    report = run_snapshots(context, request, progress=progress)
    count_missing(context.queries, request, report)
    return report


def run_snapshots(
    context: RunContext,
    request: SnapshotRequest,
    *,
    shard: LocationRange = EVERYTHING,
    progress: Progress | None = None,
) -> SnapshotReport:
    """Write the requested periods of a shard's locations, batch by batch, and report it.

    What is committed stays if a later batch fails or the run is stopped. Raises TimeUpError when
    the deadline of the context has passed.
    """
    total = SnapshotReport.of(request)
    started = time.monotonic()
    try:
        with context.deadline.kept(context.connection, lambda: progress_of(total)):
            for locations in _ranges(context, shard, reading_size(request)):
                for report in _write_range(context, request, locations):
                    total.add(report)
                    total.seconds = time.monotonic() - started
                    total.peak_memory_mib = peak_memory_mib()
                    _LOGGER.debug("batch=%s %s", total.batches, report.summary())
                    if progress is not None:
                        progress(total)
                    context.deadline.require(lambda: progress_of(total))
    except BaseException:
        _LOGGER.warning(
            "stopped period=%s after batches=%s locations=%s written=%s: what was committed stays",
            request.describe(),
            total.batches,
            total.locations,
            total.written + total.changed,
        )
        raise
    return total


def _ranges(context: RunContext, shard: LocationRange, size: int) -> Iterator[LocationRange]:
    """Give the ranges of a shard that are read one after the other."""
    after = shard.after
    while True:
        find = partial(next_range, context.queries, shard, after, size)
        locations = attempted(context.queries, context.deadline, find)
        yield locations
        if locations.until == shard.until:
            return
        after = locations.until


def recording(connection: Connection[Any], report: SnapshotReport) -> AbstractContextManager[None]:
    """Limit the time for counting and recording the rows that a run has written.

    The limit is separate from the run's, so that a run which ends just in time leaves its record.
    """
    deadline = Deadline.after(_SECONDS_TO_RECORD, "to record the run")
    return deadline.kept(connection, lambda: progress_of(report))


def progress_of(report: SnapshotReport) -> str:
    """Describe how far a run got, for error messages."""
    return (
        f"after {counted(report.locations, 'location')}: "
        f"{report.written + report.changed:,} rows written. They stay, and another run continues"
    )


def _write_range(
    context: RunContext,
    request: SnapshotRequest,
    locations: LocationRange,
    only: Collection[UUID] | None = None,
    readings_left: int = _MOST_READINGS,
) -> Iterator[SnapshotReport]:
    """Read a range of locations and write it batch by batch; give the report of each batch.

    Locations that another run wrote since the reading are read again, and then written.
    """
    stale: list[UUID] = []
    for reading in _readings(context, request, locations, only):
        if isinstance(reading, SnapshotReport):
            yield reading
            continue
        report = SnapshotReport.of(request)
        report.movements_read = reading.movements_read
        yield report
        for batch in reading.batches(context.settings.snapshots.batch_size):
            for report, stale_here in _batches_written(context, request, reading, batch):
                stale += stale_here
                yield report
    if not stale:
        return
    if readings_left == 1:
        yield from (
            _failed(
                context,
                request,
                LocationRange.only(location),
                lambda _: _ALWAYS_STALE,
                may_pass=True,
            )
            for location in stale
        )
        return
    _LOGGER.info("another run has written %s locations: they are read again", len(stale))
    yield from _write_range(context, request, locations, frozenset(stale), readings_left - 1)


def _readings(
    context: RunContext,
    request: SnapshotRequest,
    locations: LocationRange,
    only: Collection[UUID] | None,
) -> Iterator[Reading | SnapshotReport]:
    """Read a range; if that fails, its halves, down to the location that causes it.

    Yields the report of such a location. Write each reading before the next one begins.
    """
    try:
        yield attempted(
            context.queries, context.deadline, lambda: read(context, request, locations, only)
        )
    except psycopg.Error as error:
        if not is_divisible(context.connection, error):
            raise
        halves = cut_locations(context.queries, 2, locations)
        if len(halves) == 1:
            yield _failed_by(context, request, locations, error)
        else:
            for half in halves:
                yield from _readings(context, request, half, only)


def _batches_written(
    context: RunContext, request: SnapshotRequest, reading: Reading, locations: LocationRange
) -> Iterator[tuple[SnapshotReport, list[UUID]]]:
    """Write a batch; if that fails, its halves, down to the location that causes it.

    If the batch timed out waiting for a lock, each half could wait as long. So its locations are
    tried one by one, and the run ends if the first few are all locked.
    """
    try:
        yield attempted(
            context.queries,
            context.deadline,
            lambda: write_batch(context, request, reading, locations),
        )
    except psycopg.Error as error:
        if not is_divisible(context.connection, error):
            raise
        is_locked = isinstance(error, psycopg.errors.LockNotAvailable)
        pieces = reading.pieces(locations, one_by_one=is_locked)
        if not pieces:
            yield _failed_by(context, request, locations, error), []
        locked = 0
        for piece in pieces:
            for report, stale in _batches_written(context, request, reading, piece):
                is_waiting = any(failure.may_pass for failure in report.failures)
                locked = locked + 1 if is_locked and is_waiting else 0
                if locked == _MOST_LOCKED:
                    raise DatabaseRefusedError(
                        "Other sessions hold locks on everything that this run tried to write, "
                        f"{counted(locked, 'location')} in a row: {refusal(error)}"
                    ) from error
                yield report, stale


def _failed_by(
    context: RunContext, request: SnapshotRequest, location: LocationRange, error: psycopg.Error
) -> SnapshotReport:
    """Return the report of a range whose only location cannot be written, and log why.

    Raises the error if it is not the location's fault.
    """
    if not is_local(context.connection, error):
        raise error

    def reason(location_id: UUID) -> str:
        if isinstance(error, psycopg.errors.NumericValueOutOfRange):
            try:
                return describe_overflow(context, location_id)
            except psycopg.Error:
                context.connection.rollback()
        return refusal(error)

    report = _failed(context, request, location, reason, may_pass=may_pass(error))
    _LOGGER.error("failed: %s", report.failures_in_short(), exc_info=error)
    return report


def _failed(
    context: RunContext,
    request: SnapshotRequest,
    location: LocationRange,
    reason: Callable[[UUID], str],
    *,
    may_pass: bool,
) -> SnapshotReport:
    report = SnapshotReport.of(request)
    rows = context.queries.run("list_locations", **location.parameters).fetchall()
    context.connection.rollback()
    report.locations = len(rows)
    report.failures = [
        Failure(location_label(location_id, name), reason(location_id), may_pass=may_pass)
        for location_id, name in rows
    ]
    return report


def count_missing(queries: Queries, request: SnapshotRequest, report: SnapshotReport) -> None:
    """Count the expected rows, and add those that are missing to the report's failures."""
    report.expected = int(queries.value("count_locations")) * len(request.periods)
    known = {failure.location for failure in report.failures}
    # One by one: if a large run fails altogether, every location is missing.
    with queries.stream(
        "find_missing_snapshots",
        size=_MISSING_A_READ,
        first_start=request.first_day,
        **request.parameters,
    ) as rows:
        for location, name, start in rows:
            label = location_label(location, name)
            if label not in known:
                report.failures.append(Failure(label, "no row was written", f"{start}"))
    queries.connection.rollback()
