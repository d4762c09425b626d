"""Prune a million snapshots while others read and a snapshot run goes on, and time all three.

    python tests/benchmarks/retention.py [--rows 1000000]

It prints the 99th percentile of the readers' latency before and during the prune, and the longest
single statement of the prune.
"""

from __future__ import annotations

import argparse
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg import Connection, Cursor
from tests.support.database import scratch_database

from analytics_scheduler.local.sample import create_source_keys, create_source_tables
from analytics_scheduler.local.servers import embedded_postgres
from analytics_scheduler.migrations import migrate
from analytics_scheduler.periods import Calendar
from analytics_scheduler.queries import Queries
from analytics_scheduler.retention import PruneReport, prune
from analytics_scheduler.settings import DatabaseSettings, RetentionSettings, SnapshotSettings
from analytics_scheduler.snapshots import request_for, take_snapshots
from analytics_scheduler.snapshots.context import RunSettings
from analytics_scheduler.vocabulary import PeriodType

LOCATIONS = 1_000
NOW = datetime.now(UTC)
CALENDAR = Calendar(ZoneInfo("UTC"), 6)
# Weeks and months would be deleted themselves, so no day waits for one.
RETENTION = {"RETENTION_WEEKLY": "1 day", "RETENTION_MONTHLY": "1 day"}

statement_seconds: list[float] = []


class TimedCursor(Cursor[Any]):
    """Records how long each statement takes."""

    def execute(self, *arguments: Any, **options: Any) -> Any:
        started = time.perf_counter()
        try:
            return super().execute(*arguments, **options)
        finally:
            statement_seconds.append(time.perf_counter() - started)


def fill(connection: Connection[Any], rows: int) -> None:
    connection.execute(
        "INSERT INTO locations (id, name, is_active) SELECT gen_random_uuid(), 'Shop ' || n, true"
        " FROM generate_series(1, %s) n",
        (LOCATIONS,),
    )
    connection.execute("INSERT INTO analytics_snapshot_locations SELECT id FROM locations")
    connection.execute(
        "INSERT INTO analytics_snapshots (location_id, period_type, period_start, period_end,"
        " revenue) SELECT l.id, 'daily', d.day, d.day, 12.50 FROM generate_series(1, %(days)s) n"
        " CROSS JOIN LATERAL (SELECT %(last)s::date - n AS day) d CROSS JOIN locations l",
        {"days": rows // LOCATIONS, "last": (NOW - timedelta(days=91)).date()},
    )
    connection.commit()
    connection.autocommit = True
    connection.execute("VACUUM ANALYZE")
    connection.autocommit = False


def read_until(url: str, stop: threading.Event, milliseconds: list[float]) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        ids = [row[0] for row in connection.execute("SELECT id FROM locations LIMIT 100")]
        while not stop.wait(0.002):
            started = time.perf_counter()
            connection.execute(
                "SELECT * FROM analytics_snapshots WHERE location_id = %s"
                " AND period_type = 'daily' ORDER BY period_start DESC LIMIT 30",
                (ids[len(milliseconds) % len(ids)],),
            ).fetchall()
            milliseconds.append((time.perf_counter() - started) * 1_000)


def snapshot_until(settings: DatabaseSettings, url: str, stop: threading.Event) -> None:
    setup = RunSettings(database=settings, snapshots=SnapshotSettings.load({}), calendar=CALENDAR)
    moments = (NOW - timedelta(days=days) for days in range(30))
    with psycopg.connect(url) as connection:
        for moment in moments:
            if stop.is_set():
                return
            request = request_for(
                PeriodType.DAILY, CALENDAR, run_id="benchmark", moment=moment, now=NOW
            )
            take_snapshots(connection, setup, request)


def p99(milliseconds: list[float]) -> str:
    ordered = sorted(milliseconds)
    return f"p99 {ordered[len(ordered) * 99 // 100]:.2f} ms, max {ordered[-1]:.2f} ms"


def pruned(url: str, settings: DatabaseSettings) -> PruneReport:
    with psycopg.connect(url, cursor_factory=TimedCursor) as connection:
        retention = RetentionSettings.load(RETENTION)
        return prune(Queries(connection, settings), retention, CALENDAR, moment=NOW)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    with embedded_postgres() as base, scratch_database(base) as url:
        settings = DatabaseSettings.load({"DATABASE_URL": url})
        with psycopg.connect(url) as connection:
            queries = Queries(connection, settings)
            create_source_tables(queries)
            create_source_keys(queries)
            connection.commit()
            migrate(queries)
            fill(connection, rows)
        at_rest = observed(url, seconds=5)
        stop = threading.Event()
        meanwhile: list[float] = []
        beside = [
            threading.Thread(target=read_until, args=(url, stop, meanwhile)),
            threading.Thread(target=snapshot_until, args=(settings, url, stop)),
        ]
        for thread in beside:
            thread.start()
        report = pruned(url, settings)
        stop.set()
        for thread in beside:
            thread.join()
    print(
        f"{report.deleted(PeriodType.DAILY):,} rows in {report.seconds} s, {report.held} held back"
    )
    print(f"longest statement {max(statement_seconds) * 1_000:.0f} ms of {len(statement_seconds)}")
    print(f"readers at rest    {p99(at_rest)} ({len(at_rest)} reads)")
    print(f"readers meanwhile  {p99(meanwhile)} ({len(meanwhile)} reads)")


def observed(url: str, *, seconds: float) -> list[float]:
    stop = threading.Event()
    milliseconds: list[float] = []
    thread = threading.Thread(target=read_until, args=(url, stop, milliseconds))
    thread.start()
    time.sleep(seconds)
    stop.set()
    thread.join()
    return milliseconds


if __name__ == "__main__":
    main()
