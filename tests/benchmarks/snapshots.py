"""Time snapshot runs beside the best single statement, as ratios within one run.

    .venv/bin/uv run python -m tests.benchmarks.snapshots [--rounds 5] [--url DATABASE_URL]

Without a URL it makes a database of 1,000 locations, 500 products and 6 million movements on the
embedded server first. It prints the ratios that README and the documentation quote:
daily against the single statement, the whole command against a bare script, looking for late
movements against the daily computation, a month from days against one from movements, a range of
days against single runs, an old day beside a stored one against yesterday, and (without a URL)
the daily run with 16 times the history.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from analytics_scheduler.database import connected
from analytics_scheduler.migrations import migrate
from analytics_scheduler.queries import Queries
from analytics_scheduler.settings import DatabaseSettings, SnapshotSettings
from analytics_scheduler.snapshots import request_for, take_snapshots
from analytics_scheduler.snapshots.context import RunSettings
from analytics_scheduler.vocabulary import PeriodType

BEST_STATEMENT = Path(__file__).with_name("best_statement.sql").read_text(encoding="utf-8")
TODAY = datetime.now(UTC).date()
BARE_SCRIPT = """
import sys, psycopg
with psycopg.connect(sys.argv[1]) as connection:
    connection.execute(open(sys.argv[2]).read(),
                       {"start": sys.argv[3], "end": sys.argv[4], "day": sys.argv[3]})
"""


class SampledDatabase:
    """A database with a sample, and the ways to take snapshots of it."""

    def __init__(self, url: str, rounds: int) -> None:
        self.url = url
        self.rounds = rounds
        self.database = DatabaseSettings.load({"DATABASE_URL": url, "TASK_TIMEOUT_SECONDS": "3600"})
        self.connection = psycopg.connect(url)
        migrate(Queries(self.connection, self.database))
        self.connection.execute("DROP TABLE IF EXISTS best_snapshots")
        self.connection.execute(
            "CREATE TABLE best_snapshots (LIKE analytics_snapshots INCLUDING ALL)"
        )
        self.connection.execute(
            "ALTER TABLE best_snapshots ADD FOREIGN KEY (location_id) REFERENCES locations (id)"
        )
        self.connection.commit()
        self.forget()

    def setup(self, **environ: str) -> RunSettings:
        snapshots = SnapshotSettings.load(environ)
        base = RunSettings.load()
        return RunSettings(database=self.database, snapshots=snapshots, calendar=base.calendar)

    def forget(self) -> None:
        """Take away what was written, and let the planner know."""
        for table in ("snapshots", "snapshot_days", "snapshot_revisions", "snapshot_runs"):
            self.connection.execute(f"TRUNCATE analytics_{table}")
        self.connection.execute("TRUNCATE best_snapshots")
        self.connection.commit()
        self.tidy()

    def tidy(self) -> None:
        self.connection.autocommit = True
        self.connection.execute("VACUUM ANALYZE analytics_snapshots, analytics_snapshot_days")
        self.connection.autocommit = False

    def keep_last(self, days: int) -> None:
        """Take the movements away that are older; the stock stays what it is."""
        self.connection.autocommit = True
        self.connection.execute(
            "DELETE FROM stock_movements WHERE created_at < %s", (TODAY - timedelta(days=days),)
        )
        self.connection.execute("VACUUM FULL ANALYZE stock_movements")
        self.connection.autocommit = False

    def remove(self, period_type: str, first: date, last: date) -> None:
        """Take one stretch of rows (and, for days, what they came from) away."""
        values = (first, last)
        if period_type == "daily":
            self.connection.execute(
                "DELETE FROM analytics_snapshot_days WHERE day BETWEEN %s AND %s", values
            )
        self.connection.execute(
            "DELETE FROM analytics_snapshots WHERE period_type = %s"
            " AND period_start BETWEEN %s AND %s",
            (period_type, *values),
        )
        self.connection.commit()

    def take(
        self,
        period_type: str = "daily",
        *,
        day: date | None = None,
        days: tuple[date, date] | None = None,
        **environ: str,
    ) -> float:
        """Return the seconds of one run, from the connected client on."""
        setup = self.setup(**environ)
        now = datetime.now(UTC)
        request = request_for(
            PeriodType(period_type),
            setup.calendar,
            run_id="benchmark",
            moment=now,
            now=now,
            date_wanted=day,
            date_range=days,
        )
        with connected(self.database) as connection:
            started = time.perf_counter()
            report = take_snapshots(connection, setup, request)
            seconds = time.perf_counter() - started
        assert report.outcome == "success", report.failures[:3]
        return seconds

    def best(self, day: date) -> float:
        """Return the seconds of the single statement for one day."""
        self.connection.execute("TRUNCATE best_snapshots")
        self.connection.commit()
        started = time.perf_counter()
        self.connection.execute(
            BEST_STATEMENT, {"start": day, "end": day + timedelta(days=1), "day": day}
        )
        self.connection.commit()
        return time.perf_counter() - started

    def ratio(
        self,
        name: str,
        one: Callable[[], float],
        other: Callable[[], float],
        *,
        before: Callable[[], Any] | None = None,
        rounds: int | None = None,
    ) -> None:
        """Print how long one way takes beside the other, pair by pair."""
        pairs = []
        for _ in range((rounds or self.rounds) + 1):
            if before is not None:
                before()
            first = one()
            pairs.append((first, other()))
        pairs = pairs[1:] if len(pairs) > 1 else pairs
        ratios = [first / second for first, second in pairs]
        print(
            f"{name:58} {statistics.median(ratios):6.2f}"
            f"   ({statistics.median(p[0] for p in pairs):.3f} s"
            f" / {statistics.median(p[1] for p in pairs):.3f} s;"
            f" {min(ratios):.2f} to {max(ratios):.2f})",
            flush=True,
        )


def daily(context: SampledDatabase) -> None:
    yesterday = TODAY - timedelta(days=1)

    def again() -> None:
        context.remove("daily", yesterday, yesterday)

    context.ratio(
        "daily / best single statement",
        context.take,
        lambda: context.best(yesterday),
        before=again,
    )
    context.ratio(
        "whole command / bare script", lambda: command(context), lambda: bare(context), before=again
    )
    context.take(days=(TODAY - timedelta(days=15), TODAY - timedelta(days=2)))
    context.tidy()
    context.ratio(
        "daily that looks back on 7 days / best single statement",
        context.take,
        lambda: context.best(yesterday),
        before=again,
    )

    def computed() -> float:
        again()
        return context.take(SNAPSHOT_LOOKBACK_DAYS="0")

    context.ratio(
        "looking back on 7 days and finding nothing / computing a day",
        context.take,
        computed,
        before=context.take,
    )


def command(context: SampledDatabase) -> float:
    words = [sys.executable, "-m", "analytics_scheduler", "run", "daily", "--json"]
    seconds, output = timed(words, context.url)
    PEAKS.append(json.loads(output)["peak_memory_mib"])
    return seconds


def bare(context: SampledDatabase) -> float:
    context.connection.execute("TRUNCATE best_snapshots")
    context.connection.commit()
    yesterday = TODAY - timedelta(days=1)
    statement = str(Path(__file__).with_name("best_statement.sql"))
    words = [context.url, statement, str(yesterday), str(TODAY)]
    return timed([sys.executable, "-c", BARE_SCRIPT, *words], context.url)[0]


def timed(words: list[str], url: str) -> tuple[float, bytes]:
    """Return the seconds of a whole process, and what it printed."""
    environ = {**os.environ, "DATABASE_URL": url}
    started = time.perf_counter()
    ended = subprocess.run(words, env=environ, capture_output=True, check=True)
    return time.perf_counter() - started, ended.stdout


PEAKS: list[float] = []


def month(context: SampledDatabase) -> None:
    first = (TODAY.replace(day=1) - timedelta(days=1)).replace(day=1)
    last = TODAY.replace(day=1) - timedelta(days=1)
    context.take(days=(first, last))
    context.tidy()

    def from_days() -> float:
        context.remove("monthly", first, last)
        return context.take("monthly")

    def from_movements() -> float:
        context.connection.execute("TRUNCATE best_snapshots")
        context.connection.commit()
        started = time.perf_counter()
        context.connection.execute(
            BEST_STATEMENT, {"start": first, "end": last + timedelta(days=1), "day": first}
        )
        context.connection.commit()
        return time.perf_counter() - started

    context.ratio("month from movements / month from stored days", from_movements, from_days)


def ranges(context: SampledDatabase, days: int) -> None:
    last = TODAY - timedelta(days=1)
    first = last - timedelta(days=days - 1)

    def one_range() -> float:
        context.forget()
        return context.take(days=(first, last))

    def single_runs() -> float:
        context.forget()
        total = sum(context.take(day=last - timedelta(days=back)) for back in range(5))
        old = sum(context.take(day=first + timedelta(days=ahead * 7)) for ahead in range(5))
        return (total + old) / 10 * days

    context.ratio(
        f"{days} single runs (from ten of them) / one range", single_runs, one_range, rounds=1
    )


def old_day(context: SampledDatabase) -> None:
    half_a_year = TODAY - timedelta(days=182)
    neighbour = half_a_year - timedelta(days=1)
    yesterday = TODAY - timedelta(days=1)
    context.forget()
    context.take(day=neighbour)
    context.tidy()

    def before() -> None:
        context.remove("daily", half_a_year, half_a_year)
        context.remove("daily", yesterday, yesterday)

    context.ratio(
        "a day half a year back beside a stored one / yesterday",
        lambda: context.take(day=half_a_year),
        lambda: context.take(day=yesterday),
        before=before,
    )


def history(context: SampledDatabase, small: SampledDatabase) -> None:
    yesterday = TODAY - timedelta(days=1)

    def before() -> None:
        for each in (context, small):
            each.remove("daily", yesterday, yesterday)

    for each in (context, small):
        each.forget()
    context.ratio(
        "daily with 16 times the history / the small one", context.take, small.take, before=before
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--range-days", type=int, default=240)
    parser.add_argument("--days", type=int, default=240, help="history of the sample")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        url = arguments.url or stack.enter_context(sample_database(arguments.days))
        context = SampledDatabase(url, arguments.rounds)
        if not arguments.url:
            small = SampledDatabase(
                stack.enter_context(sample_database(arguments.days)), arguments.rounds
            )
            small.keep_last(arguments.days // 16)
            history(context, small)
        daily(context)
        month(context)
        old_day(context)
        ranges(context, arguments.range_days)
        print(f"{'peak memory of the whole command':58} {max(PEAKS):6.0f} MiB")


def sample_database(days: int) -> Any:
    from tests.benchmarks.load_sample import sample_database as made

    return made(days=days)


if __name__ == "__main__":
    main()
