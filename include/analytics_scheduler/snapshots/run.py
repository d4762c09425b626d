"""A run: readings, their batches, each committed by itself, and a count of what should be there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg

from analytics_scheduler.database import refusal, time_limit
from analytics_scheduler.errors import DatabaseRefusedError, TimeUpError
from analytics_scheduler.memory import peak_memory_mib
from analytics_scheduler.output import counted
from analytics_scheduler.snapshots.batch import write_batch
from analytics_scheduler.snapshots.context import prepare
from analytics_scheduler.snapshots.days import describe_overflow
from analytics_scheduler.snapshots.ranges import (
    EVERYTHING,
    LocationRange,
    batches,
    cut_locations,
    location_label,
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
# Classes of SQLSTATE that no single location causes: connection, authorization, missing or
# forbidden objects, resources, operator intervention and cancelled statements, system.
_SERVER_WIDE = frozenset({"08", "28", "42", "53", "57", "58"})
# Classes of SQLSTATE of what another transaction won: deadlocks, serialization failures, locks.
_PASSING = frozenset({"40", "55"})
_ATTEMPTS = 2
_SECONDS_BEFORE_ANOTHER = 0.5
_MOST_READINGS = 4
_ALWAYS_STALE = "another run wrote it whenever this one had read it"

Result = TypeVar("Result")
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
    size = reading_size(request)
    try:
        with _deadline_kept(context, total):
            for locations in batches(context.queries, shard, size):
                for report in _write_range(context, request, locations):
                    total.add(report)
                    total.seconds = time.monotonic() - started
                    total.peak_memory_mib = peak_memory_mib()
                    _LOGGER.debug("batch=%s %s", total.batches, report.summary())
                    if progress is not None:
                        progress(total)
                    _require_time(context, total)
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


@contextmanager
def _deadline_kept(context: RunContext, total: SnapshotReport) -> Iterator[None]:
    """End the block when the run's time is up, and then say so, whatever the driver says."""
    try:
        with time_limit(context.connection, context.seconds_left):
            yield
    except psycopg.Error as error:
        if context.seconds_left:
            raise
        raise _time_up(context, total) from error


def _require_time(context: RunContext, total: SnapshotReport) -> None:
    if not context.seconds_left:
        raise _time_up(context, total)


def _time_up(context: RunContext, total: SnapshotReport) -> TimeUpError:
    seconds = context.settings.database.task_timeout_seconds
    return TimeUpError(
        f"The time limit of {counted(seconds, 'second')} was reached (TASK_TIMEOUT_SECONDS), after "
        f"{counted(total.locations, 'location')}: "
        f"{total.written + total.changed:,} rows written. They stay, and another run continues."
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

    Gives the report of such a location. Each reading has to be written before the next begins.
    """
    try:
        yield _attempted(context, lambda: read(context, request, locations, only))
    except psycopg.Error as error:
        if not _is_local(context.connection, error):
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
    """Write a batch; if that fails, its halves, down to the location that causes it."""
    try:
        yield _attempted(context, lambda: write_batch(context, request, reading, locations))
    except psycopg.Error as error:
        if not _is_local(context.connection, error):
            raise
        halves = reading.halves(locations)
        if not halves:
            yield _failed_by(context, request, locations, error), []
        for half in halves:
            yield from _batches_written(context, request, reading, half)


def _attempted(context: RunContext, work: Callable[[], Result]) -> Result:
    """Do some work, and once more if it lost against another transaction."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return work()
        except psycopg.Error as error:
            if not _is_local(context.connection, error):
                raise
            _require_unlocked_tables(context, error)
            _LOGGER.warning("attempt %s failed (%s)", attempt, refusal(error))
            if attempt == _ATTEMPTS or not _may_pass(error):
                raise
        time.sleep(_SECONDS_BEFORE_ANOTHER)
    raise AssertionError


def _require_unlocked_tables(context: RunContext, error: psycopg.Error) -> None:
    """Raise DatabaseRefusedError if a lock that a batch waited for is that of a whole table."""
    if not isinstance(error, psycopg.errors.LockNotAvailable):
        return
    for probe in ("probe_source_tables", "probe_own_tables"):
        try:
            with context.connection.transaction(force_rollback=True):
                context.queries.run(probe)
        except psycopg.errors.LockNotAvailable as locked:
            raise DatabaseRefusedError(
                f"Another session has locked a whole table: {refusal(locked)}. Nothing can be "
                "written until it releases the lock."
            ) from error
        except psycopg.Error as unknown:
            # Such as a foreign table, which cannot be locked: then locations are tried one by one.
            _LOGGER.debug("%s: %s", probe, refusal(unknown))


def _failed_by(
    context: RunContext, request: SnapshotRequest, location: LocationRange, error: psycopg.Error
) -> SnapshotReport:
    """Return the report of a range whose only location cannot be written, and log why."""

    def reason(location_id: UUID) -> str:
        if isinstance(error, psycopg.errors.NumericValueOutOfRange):
            return describe_overflow(context, location_id)
        return refusal(error)

    report = _failed(context, request, location, reason, may_pass=_may_pass(error))
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


def _may_pass(error: psycopg.Error) -> bool:
    """Whether another transaction caused an error, so that the same may succeed later."""
    return error.sqlstate is not None and error.sqlstate[:2] in _PASSING


def _is_local(connection: Connection[Any], error: psycopg.Error) -> bool:
    """Whether one location may have caused an error, rather than the server or the time limit."""
    if connection.closed or connection.broken or error.sqlstate is None:
        return False
    return error.sqlstate[:2] not in _SERVER_WIDE


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
