"""What is timed, each beside a yardstick: the two are executed in turns, pair by pair."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta

from tests.benchmarks import cache_cleanup
from tests.benchmarks.airflow_timing import triggered_runs
from tests.benchmarks.load_sample import sample_database
from tests.benchmarks.sampled_database import ONE_DAY, YARDSTICKS, SampledDatabase, Timing
from tests.support.redis_servers import redis_server

LOOKBACK_DAYS = 7
INDEXES = ("created_at", "location_id, created_at")
BARE_SCRIPT = """
import sys, psycopg
with psycopg.connect(sys.argv[1]) as connection:
    connection.execute(open(sys.argv[2]).read(),
                       {"period_type": "daily", "start": sys.argv[3], "end": sys.argv[4]})
"""


@dataclass(frozen=True, slots=True)
class Result:
    """The pairs of one work: seconds of ours and of the yardstick, in turns.

    `differing_rows` counts what the two did not write alike; None where nothing is compared.
    """

    work: str
    yardstick: str
    pairs: tuple[tuple[float, float], ...]
    differing_rows: int | None = None
    peak_memory_mib: float | None = None

    @property
    def ratios(self) -> list[float]:
        return sorted(ours / theirs for ours, theirs in self.pairs)

    def as_dict(self) -> dict[str, object]:
        low, middle, high = self.quartiles()
        return {
            "work": self.work,
            "yardstick": self.yardstick,
            "seconds": round(statistics.median(ours for ours, _ in self.pairs), 4),
            "yardstick_seconds": round(statistics.median(theirs for _, theirs in self.pairs), 4),
            "ratio": round(middle, 3),
            "ratio_quartiles": [round(low, 3), round(high, 3)],
            "pairs": len(self.pairs),
            "differing_rows": self.differing_rows,
            "peak_memory_mib": self.peak_memory_mib,
        }

    def quartiles(self) -> tuple[float, float, float]:
        """Return the first quartile of the ratios, their median, and the third."""
        ratios = self.ratios
        if len(ratios) == 1:
            return ratios[0], ratios[0], ratios[0]
        low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
        return low, middle, high


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the sample is, and how often each pair is timed."""

    locations: int
    products: int
    movements: int
    days: int
    rounds: int
    range_days: tuple[int, ...]
    many_locations: int
    cache_keys: int


FULL = Sizes(1_000, 500, 6_000_000, 240, 7, (30, 240), 10_000, 1_000_000)
QUICK = Sizes(40, 40, 40_000, 70, 2, (30,), 0, 10_000)


def _pairs(
    rounds: int,
    ours: Callable[[], Timing],
    theirs: Callable[[], Timing],
    before: Callable[[], None],
) -> tuple[tuple[tuple[float, float], ...], float | None]:
    """Time both in turns; the first pair only warms up. Return the pairs and our peak memory."""
    pairs, peaks = [], []
    for number in range(rounds + 1):
        before()
        first = ours()
        second = theirs()
        if number:
            pairs.append((first.seconds, second.seconds))
        if first.peak_memory_mib is not None:
            peaks.append(first.peak_memory_mib)
    return tuple(pairs), max(peaks, default=None)


def _compared(
    database: SampledDatabase,
    rounds: int,
    work: str,
    ours: Callable[[], Timing],
    *,
    yardstick: str,
    period: tuple[str, date, date],
    before: Callable[[], None] | None = None,
) -> Result:
    """Time our rows of some periods beside those of a yardstick, and compare the two."""
    pairs, peak = _pairs(
        rounds,
        ours,
        lambda: database.best(yardstick, *period),
        before or (lambda: database.remove(*period)),
    )
    differing = database.differing_rows(*period)
    return Result(work, f"{yardstick}.sql", pairs, differing, peak)


def days(database: SampledDatabase, sizes: Sizes) -> Iterator[Result]:
    """Yesterday: alone, as every night, once more, and with one late movement."""
    yesterday = database.yesterday
    day = ("daily", yesterday, yesterday)
    database.forget()
    rounds = sizes.rounds
    yield _compared(
        database, rounds, "a day, first run", database.take, yardstick="period", period=day
    )
    database.take("daily", yesterday - 14 * ONE_DAY, yesterday)
    database.tidy()
    yield _compared(
        database,
        rounds,
        "a night (looks back 7 days)",
        database.take,
        yardstick="period",
        period=day,
    )
    yield _compared(
        database,
        rounds,
        "the night again",
        database.take,
        yardstick="period",
        period=day,
        before=database.tidy,
    )

    def nightly() -> Timing:
        database.remove(*day)
        return database.take()

    def with_late_movement() -> Timing:
        database.book_late(yesterday - 3 * ONE_DAY)
        database.remove(*day)
        return database.take()

    pairs, peak = _pairs(rounds, with_late_movement, nightly, lambda: None)
    yield Result("a night with one late movement", "a night", pairs, None, peak)


def carried(database: SampledDatabase, sizes: Sizes) -> Iterator[Result]:
    """A day further back than the look-back, beside a stored one."""
    day = database.yesterday - (LOOKBACK_DAYS + 20) * ONE_DAY
    database.forget()
    database.take("daily", day - ONE_DAY)
    period = ("daily", day, day)
    yield _compared(
        database,
        sizes.rounds,
        "an old day beside a stored one",
        lambda: database.take("daily", day),
        yardstick="carried",
        period=period,
    )


def longer_periods(database: SampledDatabase, sizes: Sizes) -> Iterator[Result]:
    """The last complete week and month: from stored days, and with none stored."""
    first_of_month = database.now.date().replace(day=1)
    month_end = first_of_month - ONE_DAY
    month = (month_end.replace(day=1), month_end)
    sunday = database.now.date() - timedelta(days=(database.now.weekday() + 1) % 7)
    week = (sunday - 7 * ONE_DAY, sunday - ONE_DAY)
    for period_type, (first, last) in (("weekly", week), ("monthly", month)):
        noun = "week" if period_type == "weekly" else "month"
        period = (period_type, first, last)

        def take(period_type: str = period_type, first: date = first) -> Timing:
            return database.take(period_type, first)

        yield _compared(
            database,
            max(1, sizes.rounds // 2),
            f"a {noun}, no day stored",
            take,
            yardstick="period",
            period=period,
            before=database.forget,
        )
        for yardstick in ("roll_up", "period"):
            work = f"a {noun} from stored days"
            yield _compared(database, sizes.rounds, work, take, yardstick=yardstick, period=period)


def ranges(database: SampledDatabase, sizes: Sizes) -> Iterator[Result]:
    """Many days in one run."""
    for count in sizes.range_days:
        first, last = database.yesterday - (count - 1) * ONE_DAY, database.yesterday

        def take(first: date = first, last: date = last) -> Timing:
            return database.take("daily", first, last)

        yield _compared(
            database,
            max(1, sizes.rounds // 3),
            f"{count} days in one range",
            take,
            yardstick="range",
            period=("daily", first, last),
            before=database.forget,
        )


def command(database: SampledDatabase, sizes: Sizes) -> Iterator[Result]:
    """The whole command beside a bare script that executes the yardstick: imports count."""
    yesterday = database.yesterday
    words = ["-m", "analytics_scheduler", "run", "daily", "--json"]
    script = [
        "-c",
        BARE_SCRIPT,
        database.url,
        str(YARDSTICKS / "period.sql"),
        str(yesterday),
        str(yesterday + ONE_DAY),
    ]
    database.forget()
    for work in ("the command for a day", "the command for a night"):
        pairs, peak = _pairs(
            sizes.rounds,
            lambda: _process(database, words),
            lambda: _process(database, script),
            lambda: database.remove("daily", yesterday, yesterday),
        )
        yield Result(work, "a bare script with period.sql", pairs, None, peak)
        database.take("daily", yesterday - 14 * ONE_DAY, yesterday)


def _process(database: SampledDatabase, words: list[str]) -> Timing:
    environ = {**os.environ, "DATABASE_URL": database.url}
    started = time.perf_counter()
    ended = subprocess.run([sys.executable, *words], env=environ, capture_output=True, check=True)
    seconds = time.perf_counter() - started
    peak = json.loads(ended.stdout)["peak_memory_mib"] if ended.stdout else None
    return Timing(seconds, peak)


def many_locations(sizes: Sizes) -> Iterator[Result]:
    """Ten times the locations, with the two indexes that the documentation asks for and without."""
    if not sizes.many_locations:
        return
    size = {"locations": sizes.many_locations, "products": sizes.products, "days": 24}
    with sample_database(movements=sizes.movements, **size) as url:
        database = SampledDatabase(url)
        day = ("daily", database.yesterday, database.yesterday)
        name = f"a day of {sizes.many_locations:,} locations"
        rounds = max(1, sizes.rounds // 2)
        yield _compared(database, rounds, name, database.take, yardstick="period", period=day)
        two_jobs = name + ", two jobs"

        def take_in_jobs() -> Timing:
            return database.take(SNAPSHOT_JOBS="2")

        yield _compared(database, rounds, two_jobs, take_in_jobs, yardstick="period", period=day)
        database.drop_indexes(INDEXES)
        yield _compared(
            database, rounds, f"{name}, no index", database.take, yardstick="period", period=day
        )


def in_airflow(database: SampledDatabase, sizes: Sizes) -> Iterator[Result]:
    """A run from trigger to end, beside a DAG of one empty task in the same Airflow."""
    database.forget()
    with triggered_runs(database.url) as seconds_of:
        pairs, _ = _pairs(
            sizes.rounds,
            lambda: Timing(seconds_of("daily-snapshot")),
            lambda: Timing(seconds_of("empty")),
            lambda: database.remove("daily", database.yesterday, database.yesterday),
        )
    yield Result("a night in Airflow, trigger to end", "an empty DAG", pairs)


def cache(sizes: Sizes) -> Iterator[Result]:
    """The cleanup of a cache, beside SCAN and pipelines written by hand."""
    with redis_server() as server:

        def timed(way: str) -> Timing:
            cache_cleanup.fill(server, sizes.cache_keys)
            started = time.perf_counter()
            cache_cleanup.WAYS[way](server)
            return Timing(time.perf_counter() - started)

        pairs, _ = _pairs(
            max(1, sizes.rounds // 3),
            lambda: timed("analytics-scheduler"),
            lambda: timed("SCAN COUNT 1000 + pipelines"),
            lambda: None,
        )
    yield Result(f"cleanup of {sizes.cache_keys:,} keys", "SCAN 1000 and pipelines", pairs)


@contextmanager
def sampled(sizes: Sizes, url: str | None) -> Iterator[SampledDatabase]:
    """Give the database that the works share: the one of a URL, or a new one with the sample."""
    if url is not None:
        yield SampledDatabase(url)
        return
    with sample_database(
        locations=sizes.locations,
        products=sizes.products,
        movements=sizes.movements,
        days=sizes.days,
    ) as made:
        yield SampledDatabase(made)
