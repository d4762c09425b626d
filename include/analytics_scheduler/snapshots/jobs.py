"""A run over several connections: ranges of locations side by side, one thread for each.

PostgreSQL does the work, so threads of one process are enough. Each job writes a range of ids of
its own; two of them never wait for each other.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Any

import psycopg

from analytics_scheduler.database import translated_errors
from analytics_scheduler.errors import DatabaseUnavailableError, SettingError
from analytics_scheduler.queries import Queries
from analytics_scheduler.snapshots.ranges import EVERYTHING, cut_locations
from analytics_scheduler.snapshots.report import SnapshotReport
from analytics_scheduler.snapshots.run import Progress, run_snapshots

if TYPE_CHECKING:
    from psycopg import Connection

    from analytics_scheduler.snapshots.context import RunContext
    from analytics_scheduler.snapshots.ranges import LocationRange
    from analytics_scheduler.snapshots.request import SnapshotRequest

_SECONDS_TO_STOP = 2
_SECONDS_TO_CANCEL = 0.5
Connect = Callable[[], AbstractContextManager["Connection[Any]"]]


def run_in_jobs(
    context: RunContext,
    request: SnapshotRequest,
    connect: Connect,
    *,
    jobs: int,
    shard: LocationRange = EVERYTHING,
    progress: Progress | None = None,
) -> SnapshotReport:
    """Write the requested periods of a shard's locations over `jobs` connections, and report it.

    The first connection is that of the context. What is committed stays if a job fails or the run
    is stopped; then all jobs end. Raises SettingError if the database has too few connections.
    """
    shards = cut_locations(context.queries, jobs, shard)
    if len(shards) == 1:
        return run_snapshots(context, request, shard=shard, progress=progress)
    with ExitStack() as stack:
        contexts = [context]
        for number in range(2, len(shards) + 1):
            contexts.append(replace(context, queries=_queries(context, stack, connect, number)))
        return _Jobs(request, progress).run(contexts, shards)


def _queries(context: RunContext, stack: ExitStack, connect: Connect, number: int) -> Queries:
    try:
        connection = stack.enter_context(connect())
    except DatabaseUnavailableError as error:
        raise SettingError(
            f"The database gave no connection to job {number}. Ask for at most {number - 1} with "
            f"--jobs or SNAPSHOT_JOBS, or allow more connections. {error}"
        ) from error
    return Queries(connection, context.queries.settings)


class _StoppedError(Exception):
    """Another job failed, or the run was stopped: this job ends after its batch."""


class _Jobs:
    """The jobs of one run, and what each has reported last."""

    def __init__(self, request: SnapshotRequest, progress: Progress | None) -> None:
        self.request = request
        self.progress = progress
        self.reports: dict[int, SnapshotReport] = {}
        self.lock = Lock()
        self.is_stopped = False
        self.started = time.monotonic()

    def run(self, contexts: list[RunContext], shards: list[LocationRange]) -> SnapshotReport:
        """Write each shard over its own connection, and return the sum of the reports."""
        with ThreadPoolExecutor(len(shards), thread_name_prefix="snapshots") as pool:
            futures = [
                pool.submit(self._write, number, context, shard)
                for number, (context, shard) in enumerate(zip(contexts, shards, strict=True))
            ]
            try:
                ended, _ = wait(futures, return_when=FIRST_EXCEPTION)
                for future in ended:
                    future.result()
            except BaseException:
                self._stop(futures, contexts)
                raise
        return self._total()

    def _write(self, number: int, context: RunContext, shard: LocationRange) -> None:
        def note(report: SnapshotReport) -> None:
            if self.is_stopped:
                raise _StoppedError
            with self.lock:
                self.reports[number] = report
                if self.progress is not None:
                    self.progress(self._total())

        with translated_errors(context.connection):
            report = run_snapshots(context, self.request, shard=shard, progress=note)
        with self.lock:
            self.reports[number] = report

    def _stop(self, futures: list[Future[None]], contexts: list[RunContext]) -> None:
        """End all jobs: cancel what they execute until they have noticed."""
        self.is_stopped = True
        until = time.monotonic() + _SECONDS_TO_STOP
        while time.monotonic() < until:
            for future, context in zip(futures, contexts, strict=True):
                if not future.done():
                    with suppress(psycopg.Error):
                        context.connection.cancel_safe(timeout=_SECONDS_TO_CANCEL)
            if not wait(futures, timeout=0.1).not_done:
                return

    def _total(self) -> SnapshotReport:
        total = SnapshotReport.of(self.request)
        for report in self.reports.values():
            total.add(report)
        # The jobs run side by side, so their seconds do not add up.
        total.seconds = time.monotonic() - self.started
        return total
