"""Runs that are stopped, meet, or find a location in the way."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from uuid import UUID

import psycopg
import pytest
from tests.support.database import rows, value
from tests.support.inventory import Analyst, Inventory, figures
from tests.support.waiting import wait_until

from analytics_scheduler.database import connected
from analytics_scheduler.errors import DatabaseRefusedError
from analytics_scheduler.settings import DatabaseSettings
from analytics_scheduler.snapshots import (
    LocationRange,
    plan_shards,
    prepare,
    request_for,
    run_snapshots,
)
from analytics_scheduler.vocabulary import PeriodType


@pytest.fixture
def chain(inventory: Inventory) -> list[UUID]:
    """Forty shops that sell two products for sixty days."""
    shops = sorted(inventory.location(f"Shop {n}") for n in range(40))
    milk, tea = inventory.product("2.00", "5.00"), inventory.product("1.10", "3.30")
    inventory.execute(
        "INSERT INTO stock_movements (product_id, location_id, quantity, type, reason, created_at)"
        " SELECT product, shop, 1 + (n %% 4), CASE n %% 5 WHEN 0 THEN 'waste' ELSE 'out' END, '',"
        " timestamp '2026-01-01' + n * interval '9 hours'"
        " FROM unnest(%s::uuid[]) AS shop, unnest(%s::uuid[]) AS product,"
        " generate_series(0, 159) AS n",
        shops,
        [milk, tea],
    )
    inventory.execute(
        "INSERT INTO inventory_items (product_id, location_id, quantity, last_updated)"
        " SELECT product, shop, 700, now()"
        " FROM unnest(%s::uuid[]) AS shop, unnest(%s::uuid[]) AS product",
        shops,
        [milk, tea],
    )
    return shops


def waiting_statements(database_url: str) -> list[str]:
    found = rows(
        database_url,
        "SELECT query FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND state = 'active'",
    )
    return [query for (query,) in found]


def waits_for_lock(database_url: str) -> bool:
    """Whether a session of the database waits for a lock that another one holds."""
    waiting = value(
        database_url,
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'",
    )
    return bool(waiting > 0)


class TimeLimitError(BaseException):
    """Comes like Airflow's own time limit: from a signal, and not as an Exception."""


@pytest.mark.parametrize("in_transaction", [True, False])
def test_time_limit_cancels_statement(
    database_url: str, database_settings: DatabaseSettings, *, in_transaction: bool
) -> None:
    def strike(_signal: int, _frame: object) -> None:
        raise TimeLimitError

    before = signal.signal(signal.SIGALRM, strike)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with (
            pytest.raises(TimeLimitError),
            connected(database_settings) as connection,
            connection.transaction() if in_transaction else nullcontext(),
        ):
            connection.execute("SELECT pg_sleep(60)")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    wait_until(lambda: not any("pg_sleep" in text for text in waiting_statements(database_url)), 3)


def test_server_ends_long_statement(
    database_settings: DatabaseSettings,
) -> None:
    hasty = replace(database_settings, task_timeout_seconds=1)
    with pytest.raises(DatabaseRefusedError, match="57014"), connected(hasty) as connection:
        connection.execute("SELECT pg_sleep(30)")


def run_command(database_url: str, *words: str, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "analytics_scheduler", *words],
        env={"PATH": os.environ["PATH"], "DATABASE_URL": database_url, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_sigterm_rolls_back_open_batch_only(
    database_url: str, analyst: Analyst, chain: list[UUID]
) -> None:
    # Somebody holds the 25th shop's row, so the third batch of ten waits.
    analyst.take(at="2026-01-03T02:00")
    with psycopg.connect(database_url) as holder:
        holder.execute(
            "SELECT FROM analytics_snapshot_locations WHERE location_id = %s FOR UPDATE",
            (chain[24],),
        )
        run = run_command(
            database_url, "run", "daily", "--date", "2026-02-01", SNAPSHOT_BATCH_SIZE="10"
        )
        wait_until(lambda: waits_for_lock(database_url))
        run.send_signal(signal.SIGTERM)
        _, errors = run.communicate(timeout=10)
        assert run.returncode == 143, errors
        assert waiting_statements(database_url) == []
    written = {shop for shop, day in analyst.snapshots() if day == date(2026, 2, 1)}
    assert written == set(chain[:20])


def test_locked_location_fails_alone(
    database_url: str, analyst: Analyst, chain: list[UUID]
) -> None:
    analyst.take(at="2026-02-02T02:00")
    analyst.execute("UPDATE analytics_snapshots SET revenue = 0")
    impatient = replace(analyst, database=replace(analyst.database, lock_timeout_seconds=1))
    with psycopg.connect(database_url) as holder:
        holder.execute(
            "SELECT FROM analytics_snapshots WHERE location_id = %s FOR UPDATE", (chain[7],)
        )
        report = impatient.take(at="2026-02-02T03:00", day="2026-02-01", force=True)

    assert (report.outcome, report.changed) == ("partial", 39)
    assert [failure.location for failure in report.failures] == [label_of(analyst, chain[7])]
    assert report.failures[0].may_pass
    report = impatient.take(at="2026-02-02T04:00", day="2026-02-01")
    assert (report.changed, report.unchanged, report.outcome) == (1, 39, "success")


def label_of(analyst: Analyst, shop: UUID) -> str:
    name = analyst.rows("SELECT name FROM locations WHERE id = %s", shop)[0][0]
    return f"{name} [{shop}]"


def test_one_bad_location_in_a_thousand(inventory: Inventory, analyst: Analyst) -> None:
    inventory.execute(
        "INSERT INTO locations SELECT gen_random_uuid(), 'Shop ' || n, TRUE"
        " FROM generate_series(1, 1000) AS n"
    )
    inventory.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF new.location_id = (SELECT id FROM locations WHERE name = 'Shop 500')"
        " THEN RAISE EXCEPTION 'not this one'; END IF; RETURN new; END $$"
    )
    inventory.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON analytics_snapshots"
        " FOR EACH ROW EXECUTE FUNCTION refuse()"
    )

    in_hundreds = replace(analyst, environ=(("SNAPSHOT_BATCH_SIZE", "100"),))
    report = in_hundreds.take(at="2026-03-11T02:00")

    assert (report.outcome, report.written, report.locations) == ("partial", 999, 1000)
    assert len(report.failures) == 1
    assert report.failures[0].location.startswith("Shop 500 [")
    assert "not this one" in report.failures[0].reason


def test_hundred_concurrent_runs_one_set_of_rows(
    database_settings: DatabaseSettings, analyst: Analyst, chain: list[UUID]
) -> None:
    gate = threading.Barrier(100)

    def take(number: int) -> tuple[int, int, int]:
        sizes = ("7", "10", "16", "1000")
        with connected(database_settings) as connection:
            mine = replace(
                analyst,
                connection=connection,
                environ=(("SNAPSHOT_BATCH_SIZE", sizes[number % len(sizes)]),),
            )
            gate.wait(timeout=60)
            report = mine.take(at="2026-02-02T02:00")
        assert report.failures == []
        return report.written, report.changed, report.unchanged

    with ThreadPoolExecutor(100) as pool:
        results = list(pool.map(take, range(100)))

    assert sum(written for written, _, _ in results) == 40
    assert sum(changed for _, changed, _ in results) == 0
    assert sum(unchanged for _, _, unchanged in results) == 99 * 40
    assert len(analyst.snapshots()) == 40
    assert analyst.rows(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    ) == [(0,)]


def test_older_result_never_replaces_newer(
    inventory: Inventory, analyst: Analyst, database_settings: DatabaseSettings, chain: list[UUID]
) -> None:
    """A forced run that noted the prices first and comes to write last leaves the newer row."""
    with connected(database_settings) as early:
        first = replace(analyst, connection=early)
        context = prepare(early, first.settings)
        inventory.execute("UPDATE products SET cost = 9.00")
        moment = datetime(2026, 2, 2, 2, tzinfo=UTC)
        analyst.take(at="2026-02-02T02:00", force=True)
        newer = {key: figures(row) for key, row in analyst.snapshots().items()}
        request = request_for(
            PeriodType.DAILY,
            first.settings.calendar,
            run_id="late",
            moment=moment,
            now=moment,
            force=True,
        )
        report = run_snapshots(context, request)

    assert (report.changed, report.unchanged) == (0, 40)
    assert {key: figures(row) for key, row in analyst.snapshots().items()} == newer


COUNT_DAYS = "SELECT count(*) FROM analytics_snapshot_days"


def test_killed_range_run_resumes_exactly(
    database_url: str, analyst: Analyst, chain: list[UUID]
) -> None:
    words = ("run", "daily", "--from", "2026-01-01", "--to", "2026-02-20")
    undisturbed = run_command(database_url, *words)
    undisturbed.communicate(timeout=60)
    assert undisturbed.returncode == 0
    expected = {key: figures(row) for key, row in analyst.snapshots().items()}
    assert len(expected) == 40 * 51
    chance = random.Random(11)
    kills = 0
    for _ in range(int(os.environ.get("KILLS", "5"))):
        for table in ("analytics_snapshots", "analytics_snapshot_days"):
            analyst.execute(f"DELETE FROM {table}")
        victim = run_command(database_url, *words, SNAPSHOT_BATCH_SIZE="1")
        days = chance.randrange(len(expected) * 3 // 4)
        while victim.poll() is None and analyst.rows(COUNT_DAYS)[0][0] < days:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.03))  # at any moment of the batch that follows
        victim.kill()
        victim.communicate(timeout=10)
        kills += victim.returncode == -signal.SIGKILL
        plain = run_command(database_url, *words)
        _, errors = plain.communicate(timeout=60)
        assert plain.returncode == 0, errors
        assert {key: figures(row) for key, row in analyst.snapshots().items()} == expected
    assert kills > 0, "no run was still under way when it was killed"
    assert analyst.rows("SELECT count(*) FROM analytics_snapshot_revisions") == [(0,)]


def test_shards_cover_locations_once(analyst: Analyst, chain: list[UUID]) -> None:
    sharded = replace(analyst, environ=(("SNAPSHOT_SHARDS", "4"),))
    shards = plan_shards(analyst.queries, sharded.settings.snapshots)

    assert len(shards) == 4
    assert (shards[0].after, shards[-1].until) == (None, None)
    assert all(left.until == right.after for left, right in pairwise(shards))
    assert all(len(str(shard.as_dict())) < 200 for shard in shards)
    assert [LocationRange.from_dict(shard.as_dict()) for shard in shards] == shards
    # A task of the first version reads them all.
    assert all(
        set(shard.as_dict()) == {"number", "after", "until", "locations"} for shard in shards
    )

    context = prepare(analyst.connection, sharded.settings)
    moment = datetime(2026, 2, 2, 2, tzinfo=UTC)
    request = request_for(
        PeriodType.DAILY, sharded.settings.calendar, run_id="sharded", moment=moment, now=moment
    )
    reports = [run_snapshots(context, request, shard=shard) for shard in shards]

    assert [report.written for report in reports] == [10, 10, 10, 10]
    assert len(plan_shards(analyst.queries, analyst.settings.snapshots)) == 1
