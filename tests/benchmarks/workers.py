"""Spread one snapshot run over 1, 2 and 4 workers, and print the speed-up within one run.

    .venv/bin/uv run python -m tests.benchmarks.workers [--locations 4000] [--movements 4000000]
        [--rounds 3] [--celery]

A worker is a process that writes range after range of the run, as a Celery worker does: for each
range it opens a connection, writes the batches, and closes it. The time is that of the whole run:
planning, all ranges, and the count in the end. Meanwhile the sessions in the database are counted;
the highest number at one time is printed.

With --celery, the services of docker-compose.yaml run as local processes: first with four workers
of one task each, then with two, then with one. The time is the one that Airflow reports for the
run. The sessions in Airflow's own database are counted, too.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import psycopg
from tests.benchmarks.load_sample import sample_database
from tests.support.compose.deployment import Deployment, running_deployment
from tests.support.database import execute

from analytics_scheduler import snapshots
from analytics_scheduler.database import connected
from analytics_scheduler.memory import peak_memory_mib
from analytics_scheduler.output import counted
from analytics_scheduler.queries import Queries
from analytics_scheduler.settings import CalendarSettings, DatabaseSettings, SnapshotSettings
from analytics_scheduler.snapshots.context import RunSettings
from analytics_scheduler.vocabulary import PeriodType

WORKERS = (1, 2, 4)
RANGES = 16
YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
CELERY_SECONDS = 600


def setup_for(url: str, locations: int) -> RunSettings:
    return RunSettings(
        database=DatabaseSettings.load({"DATABASE_URL": url}),
        snapshots=SnapshotSettings.load({"SNAPSHOT_SHARDS": str(RANGES)}),
        calendar=CalendarSettings.load({}).calendar(),
    )


def request_of(setup: RunSettings, day: date) -> snapshots.SnapshotRequest:
    now = datetime.now(UTC)
    return snapshots.request_for(
        PeriodType.DAILY, setup.calendar, run_id="workers", moment=now, now=now, date_wanted=day
    )


def write_range(
    setup: RunSettings, day: date, priced_at: datetime, shard: snapshots.LocationRange
) -> float:
    """Write one range as a task does; return the peak memory of this process in MiB."""
    with connected(setup.database) as connection:
        context = snapshots.prepare(connection, setup, priced_at=priced_at)
        snapshots.run_snapshots(context, request_of(setup, day), shard=shard)
    return peak_memory_mib()


def take(pool: ProcessPoolExecutor, setup: RunSettings, day: date) -> tuple[float, float]:
    """Return the seconds of a run that the pool's workers share, and their peak memory in MiB."""
    started = time.perf_counter()
    with connected(setup.database) as connection:
        context = snapshots.prepare(connection, setup)
        shards = snapshots.plan_shards(context.queries, setup.snapshots)
    parts = [pool.submit(write_range, setup, day, context.priced_at, shard) for shard in shards]
    peak = max(part.result() for part in parts)
    request = request_of(setup, day)
    with connected(setup.database) as connection:
        report = snapshots.SnapshotReport.of(request)
        snapshots.count_missing(Queries(connection, setup.database), request, report)
    assert report.failures == []
    return time.perf_counter() - started, peak


def forget(url: str, day: date) -> None:
    """Delete the rows of a day, and vacuum."""
    execute(
        url,
        f"DELETE FROM analytics_snapshot_days WHERE day = '{day}'",
        f"DELETE FROM analytics_snapshots WHERE period_start = '{day}'",
        "VACUUM ANALYZE analytics_snapshots, analytics_snapshot_days",
    )


class Sessions:
    """The highest number of sessions at one time in each database."""

    def __init__(self, url: str) -> None:
        self.most: dict[str, int] = {}
        self._url = url
        self._done = threading.Event()

    @contextmanager
    def counted(self) -> Iterator[dict[str, int]]:
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield self.most
        finally:
            self._done.set()
            thread.join()

    def _watch(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._done.wait(0.02):
                rows = connection.execute(
                    "SELECT datname, count(*) FROM pg_stat_activity"
                    " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
                    " GROUP BY datname"
                )
                for name, count in rows:
                    self.most[name] = max(self.most.get(name, 0), count)


def processes(locations: int, movements: int, rounds: int) -> None:
    with sample_database(locations=locations, products=200, movements=movements, days=60) as url:
        setup = setup_for(url, locations)
        alone = 0.0
        for workers in WORKERS:
            times, peaks = [], []
            with (
                ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool,
                Sessions(url).counted() as most,
            ):
                for _ in range(rounds + 1):
                    forget(url, YESTERDAY)
                    seconds, peak = take(pool, setup, YESTERDAY)
                    times.append(seconds)
                    peaks.append(peak)
            seconds = statistics.median(times[1:])
            alone = alone or seconds
            print_result(workers, seconds, alone, locations, most)
            print(f"  peak memory of a worker: {max(peaks):.0f} MiB", flush=True)


def print_result(
    workers: int, seconds: float, alone: float, locations: int, most: dict[str, int]
) -> None:
    print(
        f"{counted(workers, 'worker')}: {alone / seconds:5.2f} times one worker;"
        f" {seconds:6.2f} s for {RANGES} ranges, {locations / seconds:7.0f} locations/s;"
        f" most sessions {most}",
        flush=True,
    )


def celery(locations: int, movements: int) -> None:
    settings = {
        "SCHEDULER_ENABLED": "false",
        "SNAPSHOT_SHARDS": str(RANGES),
        "WORKER_CONCURRENCY": "1",
    }
    sample = {"locations": locations, "products": 200, "movements": movements, "days": 60}
    with (
        tempfile.TemporaryDirectory(prefix="workers-") as name,
        running_deployment(
            Path(name), settings=settings, airflow={}, sample=sample, workers=max(WORKERS)
        ) as deployment,
    ):
        found = {}
        for workers in reversed(WORKERS):
            for number in range(max(WORKERS), workers, -1):
                stop(deployment, f"worker-{number}")
            seconds = [airflow_seconds(deployment) for _ in range(3)]
            with Sessions(deployment.stack.superuser_url).counted() as most:
                seconds.append(airflow_seconds(deployment))
            found[workers] = (statistics.median(seconds[1:]), most)
        for workers in WORKERS:
            print_result(workers, found[workers][0], found[1][0], locations, found[workers][1])


def stop(deployment: Deployment, worker: str) -> None:
    container = deployment.stack.containers[worker]
    if container.status() is None:
        container.stop()
        container.process.wait(60)


def airflow_seconds(deployment: Deployment) -> float:
    """Return the seconds of a run, as Airflow reports them."""
    forget(deployment.inventory, YESTERDAY)
    run = deployment.trigger(f"?date={YESTERDAY}")
    assert deployment.wait_for_run(run, seconds=CELERY_SECONDS) == "success"
    found = deployment.ask("GET", f"/api/v2/dags/daily-snapshot/dagRuns/{run}")
    return float(found["duration"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--locations", type=int, default=4_000)
    parser.add_argument("--movements", type=int, default=4_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--celery", action="store_true")
    arguments = parser.parse_args()
    if arguments.celery:
        celery(arguments.locations, arguments.movements)
    else:
        processes(arguments.locations, arguments.movements, arguments.rounds)


if __name__ == "__main__":
    main()
