"""A run reads once, writes in batches, and reads again what another run has written meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest
from tests.support.database import value
from tests.support.inventory import Analyst, Inventory
from tests.support.moments import days_ago
from tests.support.waiting import wait_until

from analytics_scheduler.snapshots import plan
from analytics_scheduler.snapshots.reading import read
from analytics_scheduler.snapshots.verify import verify_snapshots

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
READ = "analytics_scheduler.snapshots.run.read"
Meanwhile = Callable[[Callable[[int], None]], None]


@pytest.fixture
def other_analyst(analyst: Analyst, database_url: str) -> Iterator[Analyst]:
    """Somebody who takes snapshots over another connection."""
    with closing(psycopg.connect(database_url)) as connection:
        yield replace(analyst, connection=connection)


@pytest.fixture
def after_each_reading(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Let something happen after each reading of the run, before it is written."""

    def install(work: Callable[[int], None]) -> None:
        numbers = iter(range(1, 100))

        def read_and_work(*arguments: Any, **options: Any) -> Any:
            reading = read(*arguments, **options)
            monkeypatch.setattr(READ, read)
            work(next(numbers))
            monkeypatch.setattr(READ, read_and_work)
            return reading

        monkeypatch.setattr(READ, read_and_work)

    return install


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """How many locations each attempt to read has found; None if it failed."""
    sizes: list[int | None] = []

    def sized_read(*arguments: Any, **options: Any) -> Any:
        sizes.append(None)
        reading = read(*arguments, **options)
        sizes[-1] = len(reading.locations.ids)
        return reading

    monkeypatch.setattr(READ, sized_read)
    return sizes


def shops_with_milk(inventory: Inventory, count: int) -> tuple[list[UUID], UUID]:
    milk = inventory.product("2.00", "5.00")
    shops = sorted(inventory.location(f"Shop {number}") for number in range(count))
    for shop in shops:
        inventory.move(shop, milk, "in", 100, "2026-03-01T10:00")
        for day in (8, 9, 10):
            inventory.move(shop, milk, "out", 1, f"2026-03-{day:02}T10:00")
    return shops, milk


def test_an_older_reading_overwrites_nothing(
    inventory: Inventory,
    analyst: Analyst,
    other_analyst: Analyst,
    after_each_reading: Meanwhile,
) -> None:
    shops, milk = shops_with_milk(inventory, 3)
    late = shops[1]

    def book_and_take(number: int) -> None:
        if number == 1:
            inventory.move(late, milk, "out", 7, "2026-03-10T23:00")
            other_analyst.take(at="2026-03-11T02:00")

    after_each_reading(book_and_take)
    report = analyst.take(at="2026-03-11T02:00")

    assert (report.unchanged, report.failures, report.locations) == (3, [], 3)
    # 100 - 3 - 7, and 8 x 5.00.
    row = analyst.row(late, "2026-03-10")
    assert (row["total_items"], str(row["revenue"])) == (90, "40.00")
    assert verify_snapshots(analyst.connection, analyst.settings).findings == []


def test_a_write_while_waiting_for_locks_is_seen(
    database_url: str, inventory: Inventory, analyst: Analyst, other_analyst: Analyst
) -> None:
    """The batch waits for the first shop; meanwhile another run begins and writes the last one."""
    shops, milk = shops_with_milk(inventory, 2)
    analyst.take(at="2026-03-10T02:00")
    application = replace(inventory, connection=other_analyst.connection)
    holder = psycopg.connect(database_url)
    holder.execute(
        "SELECT FROM analytics_snapshot_locations WHERE location_id = %s FOR UPDATE", (shops[0],)
    )

    def book_take_and_release() -> None:
        wait_until(lambda: value(database_url, WAITING) == 1)
        application.move(shops[1], milk, "out", 7, "2026-03-10T23:00")
        application.execute("UPDATE locations SET is_active = (id = %s)", shops[1])
        other_analyst.take(at="2026-03-11T02:00")
        application.execute("UPDATE locations SET is_active = true")
        holder.close()

    thread = threading.Thread(target=book_take_and_release)
    thread.start()
    analyst.take(at="2026-03-11T02:00")
    thread.join()

    assert [analyst.row(shop, "2026-03-10")["total_items"] for shop in shops] == [97, 90]
    assert analyst.rows("SELECT reason FROM analytics_snapshot_revisions") == []


def test_only_stale_locations_are_read_again(
    inventory: Inventory,
    analyst: Analyst,
    other_analyst: Analyst,
    after_each_reading: Meanwhile,
) -> None:
    shops, milk = shops_with_milk(inventory, 4)
    analyst.take(days=("2026-03-08", "2026-03-09"), at="2026-03-11T02:00")
    seen = []

    def repair_one(number: int) -> None:
        seen.append(number)
        if number == 1:
            inventory.move(shops[2], milk, "out", 7, "2026-03-09T23:00")
            inventory.execute("UPDATE locations SET is_active = (id = %s)", shops[2])
            other_analyst.take(at="2026-03-10T02:00")
            inventory.execute("UPDATE locations SET is_active = true")

    after_each_reading(repair_one)
    report = analyst.take(at="2026-03-11T02:00")

    assert seen == [1, 2]
    assert (report.written, report.batches) == (4, 2)
    assert [analyst.row(shop, "2026-03-10")["total_items"] for shop in shops] == [97, 97, 90, 97]
    assert verify_snapshots(analyst.connection, analyst.settings).findings == []


def test_a_location_that_never_rests_is_named(
    inventory: Inventory,
    analyst: Analyst,
    other_analyst: Analyst,
    after_each_reading: Meanwhile,
) -> None:
    [shop], milk = shops_with_milk(inventory, 1)

    def book_and_take(number: int) -> None:
        inventory.move(shop, milk, "out", 1, "2026-03-10T23:00")
        other_analyst.take(at="2026-03-11T02:00", force=True)

    after_each_reading(book_and_take)
    report = analyst.take(at="2026-03-11T02:00")

    [failure] = report.failures
    assert failure.may_pass
    assert "another run wrote it" in failure.reason


def test_a_new_location_is_written_too(
    inventory: Inventory, analyst: Analyst, after_each_reading: Meanwhile
) -> None:
    _, milk = shops_with_milk(inventory, 2)
    opened = []

    def open_shop(number: int) -> None:
        if number == 1:
            opened.append(inventory.location("New"))
            inventory.move(opened[0], milk, "in", 5, "2026-03-10T10:00")

    after_each_reading(open_shop)
    report = analyst.take(at="2026-03-11T02:00")

    assert (report.written, report.failures) == (3, [])
    assert analyst.row(opened[0], "2026-03-10")["total_items"] == 5


def test_a_closed_location_is_not_written(
    inventory: Inventory, analyst: Analyst, after_each_reading: Meanwhile
) -> None:
    shops, _ = shops_with_milk(inventory, 3)
    after_each_reading(
        lambda _: inventory.execute(
            "UPDATE locations SET is_active = false WHERE id = %s", shops[0]
        )
    )

    report = analyst.take(at="2026-03-11T02:00")

    assert (report.written, report.failures) == (2, [])
    assert {location for location, _ in analyst.snapshots()} == set(shops[1:])


def test_the_ledger_is_read_in_one_snapshot(
    inventory: Inventory,
    analyst: Analyst,
    other_analyst: Analyst,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is booked between looking back and computing belongs to the next run, with all days."""
    shop, milk = inventory.location(), inventory.product("2.00", "5.00")
    inventory.move(shop, milk, "in", 100, f"{days_ago(9)}T10:00")
    for day in (3, 2, 1):
        inventory.move(shop, milk, "out", 1, f"{days_ago(day)}T10:00")
    analyst.take(days=(days_ago(3), days_ago(2)), at=f"{days_ago(0)}T02:00")
    application = replace(inventory, connection=other_analyst.connection)
    plan_days = plan.plan_days

    def plan_and_book(*arguments: Any) -> Any:
        planned = plan_days(*arguments)
        application.move(shop, milk, "out", 7, f"{days_ago(3)}T23:00")
        return planned

    def items() -> list[int]:
        return [analyst.row(shop, days_ago(day))["total_items"] for day in (3, 2, 1)]

    monkeypatch.setattr("analytics_scheduler.snapshots.reading.plan_days", plan_and_book)
    first = analyst.take(at=f"{days_ago(0)}T02:00")
    assert (first.written, first.unexplained, items()) == (1, [], [99, 98, 97])
    monkeypatch.undo()
    second = analyst.take(at=f"{days_ago(0)}T02:00")
    assert (second.days_repaired, second.unexplained, items()) == (3, [], [92, 91, 90])


def test_a_bad_location_costs_a_few_readings(
    inventory: Inventory, analyst: Analyst, readings: list[int | None]
) -> None:
    """Of 16 locations it is found by halving, not one by one."""
    shops, _ = shops_with_milk(inventory, 16)
    gold = inventory.product("99999999.99")
    inventory.move(shops[5], gold, "in", 2_000_000_000, "2026-03-10T10:00")

    report = analyst.take(at="2026-03-11T02:00")

    assert (report.written, report.failed, report.locations) == (15, 1, 16)
    # The sixth shop: of shops 1 to 16, 1 to 8, 1 to 4, 5 to 8, 5 and 6, 5, 6, 7 and 8, 9 to 16.
    assert readings == [None, None, 4, None, None, 1, None, 2, 8]


def test_batches_write_from_one_reading(
    inventory: Inventory, analyst: Analyst, readings: list[int | None]
) -> None:
    shops_with_milk(inventory, 7)
    in_threes = replace(analyst, environ=(("SNAPSHOT_BATCH_SIZE", "3"),))

    report = in_threes.take(at="2026-03-11T02:00")

    assert (readings, report.batches, report.written, report.movements_read) == ([7], 3, 7, 7)


def test_a_reading_too_large_is_halved(
    inventory: Inventory, analyst: Analyst, readings: list[int | None]
) -> None:
    """The server allows temporary files of 64 kB, which a reading of 400 locations exceeds."""
    shops_with_milk(inventory, 400)
    analyst.execute("SET work_mem = '64kB'")
    analyst.execute("SET temp_file_limit = '64kB'")

    report = analyst.take(at="2026-03-11T02:00")

    assert (report.written, report.failures) == (400, [])
    assert readings[0] is None
    assert sum(size or 0 for size in readings) == 400


def test_no_room_for_one_location_ends_the_run(inventory: Inventory, analyst: Analyst) -> None:
    [shop], milk = shops_with_milk(inventory, 1)
    for day in range(1, 29):
        inventory.move(shop, milk, "out", 1, f"2026-02-{day:02}T10:00")
    analyst.execute("SET work_mem = '64kB'")
    analyst.execute("SET temp_file_limit = 0")

    with pytest.raises(psycopg.errors.ConfigurationLimitExceeded):
        analyst.take(days=("2024-03-01", "2026-03-10"), at="2026-03-11T02:00")
