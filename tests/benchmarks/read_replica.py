"""Compare runs on tables with runs on a replica's tables through postgres_fdw.

    uv run python -m tests.benchmarks.read_replica [LOCATIONS PRODUCTS MOVEMENTS]

A primary and a standby on this machine; the same runs on the tables themselves, and on foreign
tables of the standby. A network would add its own time to each batch of rows.
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import psycopg
from tests.support.postgres_servers import link_to, primary_and_standby, wait_for_replay

from analytics_scheduler.database import connected
from analytics_scheduler.local.sample import load_sample
from analytics_scheduler.local.servers import create_database, database_url
from analytics_scheduler.migrations import migrate
from analytics_scheduler.periods import Calendar
from analytics_scheduler.queries import Queries
from analytics_scheduler.settings import DatabaseSettings, SnapshotSettings
from analytics_scheduler.snapshots import request_for, take_snapshots
from analytics_scheduler.snapshots.context import RunSettings
from analytics_scheduler.vocabulary import PeriodType

_NOW = datetime(2026, 3, 12, 2, tzinfo=UTC)
_RUNS = (
    ("the day before", None),
    ("the same again", None),
    ("a month of days", (date(2026, 2, 1), date(2026, 2, 28))),
)
_OPTIONS = {
    "the tables themselves": None,
    "replica, fetch_size 100": ", fetch_size '100'",
    "replica, fetch_size 10000": ", fetch_size '10000'",
    "replica, also use_remote_estimate": ", fetch_size '10000', use_remote_estimate 'true'",
}


def seconds_of_runs(settings: DatabaseSettings) -> list[tuple[float, int]]:
    """Migrate, do the runs, and return the seconds and the movements read of each."""
    setup = RunSettings(
        database=settings,
        snapshots=SnapshotSettings.load({}),
        calendar=Calendar(ZoneInfo("UTC"), 6),
    )
    found = []
    with connected(settings) as connection:
        migrate(Queries(connection, settings))
        for _, days in _RUNS:
            request = request_for(
                PeriodType.DAILY,
                setup.calendar,
                run_id="benchmark",
                moment=_NOW,
                now=_NOW,
                date_range=days,
            )
            report = take_snapshots(connection, setup, request)
            assert not report.failures
            found.append((report.seconds, report.movements_read))
    return found


def main() -> None:
    """Print the seconds of each run for each way of reading the source."""
    words = sys.argv[1:] or ["200", "100", "300000"]
    locations, products, movements = map(int, words)
    with primary_and_standby() as (primary, standby):
        create_database(primary, "inventory")
        with psycopg.connect(database_url(primary, "inventory")) as connection:
            load_sample(
                Queries(connection, DatabaseSettings.load({})),
                locations=locations,
                products=products,
                movements=movements,
                until=_NOW,
            )
        wait_for_replay(primary, standby)
        print(f"{locations} locations, {products} products, {movements} movements of 90 days")
        for number, (name, options) in enumerate(_OPTIONS.items()):
            schemas = {"ANALYTICS_SCHEMA": "figures"}
            url = database_url(primary, "inventory")
            if options is not None:
                create_database(primary, f"analytics_{number}")
                url = database_url(primary, f"analytics_{number}")
                link_to(url, standby, name="inventory", options=options)
                schemas["SOURCE_SCHEMA"] = "replica"
            times = seconds_of_runs(DatabaseSettings.load({"DATABASE_URL": url, **schemas}))
            for (run, _), (seconds, read) in zip(_RUNS, times, strict=True):
                print(f"  {name:<36}{run:<18}{seconds:8.2f} s  {read:>8} movements read")


if __name__ == "__main__":
    main()
