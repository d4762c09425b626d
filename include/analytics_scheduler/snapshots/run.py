"""A run: batch after batch, each committed by itself, and a count of what should be there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection

from analytics_scheduler.database import refusal, statement
from analytics_scheduler.memory import peak_memory_mib
from analytics_scheduler.migrations import require_migrated
from analytics_scheduler.queries import Queries
from analytics_scheduler.snapshots.batch import Batch, empty_report, write_batch
from analytics_scheduler.snapshots.context import RunContext, RunSettings, day_count
from analytics_scheduler.snapshots.prices import observe_prices
from analytics_scheduler.snapshots.ranges import WHOLE, Shard
from analytics_scheduler.snapshots.report import Failure, SnapshotReport, named
from analytics_scheduler.snapshots.request import SnapshotRequest
from analytics_scheduler.source import read_source_shape

_LOGGER = logging.getLogger(__name__)
_MAX_DAYS_A_BATCH = 250_000
_MISSING_A_READ = 1_000
# Classes of SQLSTATE that no single location causes: connection, authorization, missing or
# forbidden objects, resources, operator intervention and cancelled statements, system.
_SERVER_WIDE = frozenset({"08", "28", "42", "53", "57", "58"})
# Lost to another transaction: deadlocks, serialization failures and locks not to be had.
_PASSING = frozenset({"40", "55"})

Progress = Callable[[SnapshotReport], None]


def prepare(
    connection: Connection[Any], setup: RunSettings, *, priced_at: datetime | None = None
) -> RunContext:
    """Check the source and the package's tables, note the prices, and return what a run needs.

    Raises SchemaError where something is missing. The shards of one run share one `priced_at`.
    """
    queries = Queries(connection, setup.database)
    require_migrated(queries)
    shape = read_source_shape(queries)
    connection.rollback()
    return RunContext(
        connection=connection,
        setup=setup,
        has_timezone=shape.created_at_is_timestamptz,
        priced_at=priced_at or observe_prices(connection, setup.database),
    )


def take_snapshots(
    connection: Connection[Any],
    setup: RunSettings,
    request: SnapshotRequest,
    *,
    progress: Progress | None = None,
) -> SnapshotReport:
    """Write all wanted periods of all locations, count what is there, and report it."""
    context = prepare(connection, setup)
    report = run_snapshots(context, request, progress=progress)
    confirm_complete(context.connection, setup, request, report)
    return report


def run_snapshots(
    context: RunContext,
    request: SnapshotRequest,
    *,
    shard: Shard = WHOLE,
    progress: Progress | None = None,
) -> SnapshotReport:
    """Write the wanted periods of a shard's locations, batch by batch, and report it.

    What is committed stays when a later batch fails, or the run is stopped. A batch that fails is
    done again location by location, so that a bad one costs only itself.
    """
    total = empty_report(request)
    started = time.monotonic()
    try:
        for batch in _batches(context, request, shard):
            part = _write_or_isolate(context, request, batch)
            total.add(part)
            total.seconds = time.monotonic() - started
            total.peak_memory_mib = peak_memory_mib()
            _LOGGER.debug("batch=%s until=%s %s", total.batches, batch.until, part.summary())
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


def _batches(context: RunContext, request: SnapshotRequest, shard: Shard) -> Iterator[Batch]:
    size = context.setup.snapshots.batch_size
    size = max(1, min(size, _MAX_DAYS_A_BATCH // day_count(request.first_day, request.last_day)))
    after = shard.after
    while True:
        ends = context.execute(
            "find_batch_end", {"after": after, "until": shard.until, "size": size}
        ).fetchall()
        context.connection.rollback()
        if len(ends) <= 1:
            # The rest, open like the shard: a location that comes meanwhile is in it.
            yield Batch(after, shard.until)
            return
        yield Batch(after, ends[0][0])
        after = ends[0][0]


def _write_or_isolate(
    context: RunContext, request: SnapshotRequest, batch: Batch
) -> SnapshotReport:
    try:
        return write_batch(context, request, batch)
    except psycopg.Error as error:
        if not _is_local(context.connection, error):
            raise
        _LOGGER.warning(
            "batch until=%s failed (%s): doing it location by location",
            batch.until,
            refusal(error),
        )
    report = empty_report(request)
    for location, name in _locations(context, batch):
        try:
            before = UUID(int=location.int - 1) if location.int else None
            report.add(write_batch(context, request, Batch(before, location)))
        except psycopg.Error as error:
            if not _is_local(context.connection, error):
                raise
            _LOGGER.exception("location=%s failed", location)
            report.locations += 1
            report.failures.append(
                Failure(
                    named({location: name}, location),
                    refusal(error),
                    may_pass=error.sqlstate is not None and error.sqlstate[:2] in _PASSING,
                )
            )
    return report


def _is_local(connection: Connection[Any], error: psycopg.Error) -> bool:
    """Whether an error may be the fault of one location, not of the server or the time limit."""
    if connection.closed or connection.broken or error.sqlstate is None:
        return False
    return error.sqlstate[:2] not in _SERVER_WIDE


def _locations(context: RunContext, batch: Batch) -> list[tuple[UUID, str]]:
    rows = context.execute("list_locations", {"after": batch.after, "until": batch.until})
    found = rows.fetchall()
    context.connection.rollback()
    return found


def confirm_complete(
    connection: Connection[Any],
    setup: RunSettings,
    request: SnapshotRequest,
    report: SnapshotReport,
) -> None:
    """Count the expected rows against those there, and add what is missing to the failures."""
    active = connection.execute(statement("count_locations", setup.database)).fetchone()
    report.expected = (active[0] if active else 0) * len(request.periods)
    known = {failure.location for failure in report.failures}
    # Row by row: where a large run failed altogether, every location is missing.
    with connection.cursor(name="missing_snapshots") as rows:
        rows.itersize = _MISSING_A_READ
        rows.execute(
            statement("find_missing_snapshots", setup.database),
            {
                "period_type": request.period_type.value,
                "period_starts": request.period_starts,
                "first_start": request.first_day,
                "after": None,
                "until": None,
            },
        )
        for location, name, start in rows:
            quoted = named({location: name}, location)
            if quoted not in known:
                report.failures.append(Failure(quoted, "no row was written", f"{start}"))
    connection.rollback()
