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

from analytics_scheduler.database import cut, translated_errors
from analytics_scheduler.errors import DatabaseUnavailableError, SettingError, TimeUpError
from analytics_scheduler.queries import Queries
from analytics_scheduler.snapshots.ranges import EVERYTHING, cut_locations
from analytics_scheduler.snapshots.report import SnapshotReport
from analytics_scheduler.snapshots.run import Progress, progress_of, run_snapshots

if TYPE_CHECKING:
    from psycopg import Connection

    from analytics_scheduler.snapshots.context import RunContext
    from analytics_scheduler.snapshots.ranges import LocationRange
    from analytics_scheduler.snapshots.request import SnapshotRequest

# Together less than the second after which the command line leaves by force.
_SECONDS_TO_CANCEL = 0.3
_SECONDS_TO_NOTICE = 0.3
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
            except TimeUpError:
                self._stop(futures, contexts)
                raise contexts[0].deadline.time_up(progress_of(self._total())) from None
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
        """End all jobs: cancel what they execute, and cut the connections that do not notice."""
        self.is_stopped = True
        running = [
            context.connection
            for future, context in zip(futures, contexts, strict=True)
            if not future.done()
        ]
        with ThreadPoolExecutor(len(contexts)) as pool:
            pool.map(_cancel, running)
        if wait(futures, timeout=_SECONDS_TO_NOTICE).not_done:
            for connection in running:
                cut(connection)

    def _total(self) -> SnapshotReport:
        total = SnapshotReport.of(self.request)
        for report in self.reports.values():
            total.add(report)
        # The jobs run side by side, so their seconds do not add up.
        total.seconds = time.monotonic() - self.started
        return total


def _cancel(connection: Connection[Any]) -> None:
    with suppress(psycopg.Error):
        connection.cancel_safe(timeout=_SECONDS_TO_CANCEL)
