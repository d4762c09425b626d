"""A run: batch after batch, each committed by itself, then a count of what should be there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg

from analytics_scheduler.database import refusal, time_limit
from analytics_scheduler.errors import DatabaseRefusedError, TimeUpError
from analytics_scheduler.memory import peak_memory_mib
from analytics_scheduler.output import counted
from analytics_scheduler.snapshots.batch import write_batch
from analytics_scheduler.snapshots.context import day_count, prepare
from analytics_scheduler.snapshots.ranges import (
    EVERYTHING,
    LocationRange,
    batches,
    location_label,
)
from analytics_scheduler.snapshots.report import Failure, SnapshotReport

if TYPE_CHECKING:
    from psycopg import Connection

    from analytics_scheduler.queries import Queries
    from analytics_scheduler.snapshots.context import RunContext, RunSettings
    from analytics_scheduler.snapshots.request import SnapshotRequest

_LOGGER = logging.getLogger(__name__)
# A batch of a long range has fewer locations, so that its temporary tables stay small.
_MAX_DAYS_A_BATCH = 250_000
_MISSING_A_READ = 1_000
# Classes of SQLSTATE that no single location causes: connection, authorization, missing or
# forbidden objects, resources, operator intervention and cancelled statements, system.
_SERVER_WIDE = frozenset({"08", "28", "42", "53", "57", "58"})
# Classes of SQLSTATE of what another transaction won: deadlocks, serialization failures, locks.
_PASSING = frozenset({"40", "55"})
_ATTEMPTS = 2
_SECONDS_BEFORE_ANOTHER = 0.5

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
    days = day_count(request.first_day, request.last_day)
    size = max(1, min(context.settings.snapshots.batch_size, _MAX_DAYS_A_BATCH // days))
    total = SnapshotReport.of(request)
    started = time.monotonic()
    try:
        with _deadline_kept(context, total):
            for locations in batches(context.queries, shard, size):
                _require_time(context, total)
                report = _write_or_isolate(context, request, locations)
                total.add(report)
                total.seconds = time.monotonic() - started
                total.peak_memory_mib = peak_memory_mib()
                _LOGGER.debug(
                    "batch=%s until=%s %s", total.batches, locations.until, report.summary()
                )
                if progress is not None:
                    progress(total)
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


def _write_or_isolate(
    context: RunContext, request: SnapshotRequest, locations: LocationRange
) -> SnapshotReport:
    """Write a batch; if it fails, write it location by location, so that a bad one costs itself.

    A batch that lost against another transaction is first tried again whole. A cause that every
    location would meet is raised.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return write_batch(context, request, locations)
        except psycopg.Error as error:
            if not _is_local(context.connection, error):
                raise
            _require_unlocked_tables(context, error)
            _LOGGER.warning(
                "batch until=%s failed, attempt %s (%s)", locations.until, attempt, refusal(error)
            )
            if not _may_pass(error):
                break
        time.sleep(_SECONDS_BEFORE_ANOTHER)
    return _isolate(context, request, locations)


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


def _isolate(
    context: RunContext, request: SnapshotRequest, locations: LocationRange
) -> SnapshotReport:
    _LOGGER.warning("batch until=%s is written location by location", locations.until)
    report = SnapshotReport.of(request)
    rows = context.queries.run("list_locations", **locations.parameters).fetchall()
    context.connection.rollback()
    for location, name in rows:
        try:
            report.add(write_batch(context, request, LocationRange.only(location)))
        except psycopg.Error as error:
            if not _is_local(context.connection, error):
                raise
            _LOGGER.exception("location=%s failed", location)
            report.locations += 1
            report.failures.append(
                Failure(location_label(location, name), refusal(error), may_pass=_may_pass(error))
            )
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
