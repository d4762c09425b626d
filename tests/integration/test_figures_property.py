"""Random histories, zones and dates: every row against a second, independent computation."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection
from tests.support.inventory import NET_SIGN, Analyst, Inventory, figures
from tests.support.reference import Books, Movement

from analytics_scheduler.vocabulary import PeriodType

ZONES = ("UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia")
# Around the changes of the clocks of 2026 in New York, Lord Howe and Berlin.
FIRST_DAYS = (date(2026, 3, 6), date(2026, 4, 1), date(2026, 10, 30), date(2026, 2, 26))


class Chronicle:
    """Keeps the database and the books in step."""

    def __init__(self, connection: Connection[Any], seed: int, first_day: date) -> None:
        self.chance = random.Random(seed)
        self.connection = connection
        self.first_day = first_day
        self.movements: list[Movement] = []
        self.stock: dict[tuple[UUID, UUID], int] = {}
        self._clear()
        inventory = Inventory(connection)
        self.shops = [inventory.location(f"Shop {n}") for n in range(3)]
        self.costs: dict[UUID, Decimal] = {}
        self.prices: dict[UUID, Decimal] = {}
        for _ in range(3):
            cost = Decimal(self.chance.randint(0, 999)) / 100
            price = Decimal(self.chance.randint(0, 1999)) / 100
            product = inventory.product(str(cost), str(price))
            self.costs[product], self.prices[product] = cost, price
            for shop in self.shops:
                self.stock[shop, product] = self.chance.randint(-5, 200)

    def _clear(self) -> None:
        for table in ("stock_movements", "inventory_items", "analytics_snapshots", "products"):
            self.connection.execute(f"DELETE FROM {table}")
        for table in ("days", "prices", "revisions", "locations", "adopted"):
            self.connection.execute(f"DELETE FROM analytics_snapshot_{table}")
        self.connection.execute("DELETE FROM locations")
        self.connection.commit()

    def happen(self, count: int, *, before: date) -> None:
        """Book movements at random moments from two days before the first day on."""
        start = datetime.combine(self.first_day, datetime.min.time()) - timedelta(days=2)
        span = datetime.combine(before, datetime.min.time()) - start
        for _ in range(count):
            kind = self.chance.choice(["in", "out", "out", "out", "waste", "adjustment"])
            low = -9 if kind == "adjustment" or self.chance.random() < 0.05 else 1
            # Whole hours hit midnights; the rest is anywhere.
            seconds = self.chance.randrange(int(span.total_seconds()))
            if self.chance.random() < 0.3:
                seconds -= seconds % 1800
            self.movements.append(
                Movement(
                    self.chance.choice(self.shops),
                    self.chance.choice(list(self.costs)),
                    kind,
                    self.chance.randint(low, 9),
                    start + timedelta(seconds=seconds),
                )
            )
            self.add_to_stock(self.movements[-1], 1)

    def tamper(self, count: int, *, since: date) -> None:
        """Change or delete movements booked on or after a day, and let the stock follow."""
        recent = [m for m in self.movements if m.at.date() >= since]
        for movement in self.chance.sample(recent, min(count, len(recent))):
            self.movements.remove(movement)
            self.add_to_stock(movement, -1)
            if self.chance.random() < 0.5:
                changed = replace(movement, quantity=movement.quantity + 1)
                self.movements.append(changed)
                self.add_to_stock(changed, 1)

    def add_to_stock(self, movement: Movement, sign: int) -> None:
        key = movement.location, movement.product
        change = sign * NET_SIGN[movement.kind] * movement.quantity
        self.stock[key] = self.stock.get(key, 0) + change

    def write(self) -> None:
        """Bring the database to what the books say."""
        with self.connection.cursor() as cursor:
            cursor.execute("DELETE FROM stock_movements")
            cursor.execute("DELETE FROM inventory_items")
            with cursor.copy(
                "COPY stock_movements (location_id, product_id, type, quantity, created_at)"
                " FROM STDIN"
            ) as copy:
                for m in self.movements:
                    copy.write_row((m.location, m.product, m.kind, m.quantity, m.at))
            with cursor.copy(
                "COPY inventory_items (location_id, product_id, quantity, last_updated) FROM STDIN"
            ) as copy:
                for (shop, product), quantity in self.stock.items():
                    copy.write_row((shop, product, quantity, datetime(2026, 1, 1)))
        self.connection.commit()

    def books(self, timezone: str) -> Books:
        return Books(self.stock, self.movements, self.costs, self.prices, ZoneInfo(timezone))


def assert_all_rows_are_right(analyst: Analyst, books: Books) -> int:
    checked = 0
    for period_type in PeriodType.words():
        for (shop, start), row in analyst.snapshots(period_type).items():
            right = books.figures(shop, start, row["period_end"])
            assert figures(row, right) == right, f"{period_type} {start} of {shop}"
            checked += 1
    return checked


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**32),
    timezone=st.sampled_from(ZONES),
    first_day=st.sampled_from(FIRST_DAYS),
    week_start=st.integers(0, 6),
)
def test_random_history_every_row_right(
    connection: Connection[Any],
    analyst: Analyst,
    *,
    seed: int,
    timezone: str,
    first_day: date,
    week_start: int,
) -> None:
    chronicle = Chronicle(connection, seed, first_day)
    chronicle.happen(120, before=first_day + timedelta(days=20))
    chronicle.write()
    local = replace(
        analyst,
        timezone=timezone,
        week_start=week_start,
        environ=(("SNAPSHOT_BATCH_SIZE", "2"),),
    )
    last_day = first_day + timedelta(days=16)

    report = local.take(at="2026-11-24T12:00", days=(str(first_day), str(last_day)))
    local.take("weekly", at="2026-11-24T12:00", day=str(first_day + timedelta(days=8)))

    assert report.outcome == "success"
    assert assert_all_rows_are_right(local, chronicle.books(timezone)) >= 3 * 17 + 3


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**32),
    timezone=st.sampled_from(ZONES),
    first_day=st.sampled_from(FIRST_DAYS),
)
def test_random_late_changes_equal_full_rebuild(
    connection: Connection[Any],
    analyst: Analyst,
    seed: int,
    timezone: str,
    first_day: date,
) -> None:
    chronicle = Chronicle(connection, seed, first_day)
    local = replace(analyst, timezone=timezone, environ=(("SNAPSHOT_LOOKBACK_DAYS", "9"),))
    chronicle.happen(60, before=first_day + timedelta(days=4))
    chronicle.write()
    # The zones reach a day further back and ahead than UTC.
    stored = str(first_day - timedelta(days=4)), str(first_day + timedelta(days=2))
    local.take(at=f"{first_day + timedelta(days=5)}T00:00", days=stored)
    # Nine daily runs: each finds what was booked, changed and deleted since the one before.
    for number in range(4, 13):
        today = first_day + timedelta(days=number)
        chronicle.write()
        report = local.take(at=_at_three_in_the_morning(today, timezone))
        assert report.outcome == "success"
        assert report.unexplained == []
        assert_all_rows_are_right(local, chronicle.books(timezone))
        if number == 9:
            local.take("weekly", at=_at_three_in_the_morning(today, timezone))
        chronicle.happen(8, before=today)
        # What lies before the days looked back on is a matter for `verify`.
        chronicle.tamper(4, since=today - timedelta(days=5))
        horizon = today - timedelta(days=6)
        late = [m for m in chronicle.movements if m.at.date() < horizon]
        known = set(_stored_movements(connection))
        for movement in late:
            if movement not in known:
                chronicle.movements.remove(movement)
                chronicle.add_to_stock(movement, -1)

    rows = {p: {k: figures(r) for k, r in local.snapshots(p).items()} for p in ("daily", "weekly")}
    chronicle.connection.execute("DELETE FROM analytics_snapshots")
    chronicle.connection.execute("DELETE FROM analytics_snapshot_days")
    chronicle.connection.commit()
    for period_type, found in rows.items():
        for _, start in found:
            local.take(period_type, at="2026-11-24T12:00", day=str(start))
        rebuilt = {key: figures(row) for key, row in local.snapshots(period_type).items()}
        assert {key: rebuilt[key] for key in found} == found


def _at_three_in_the_morning(day: date, timezone: str) -> str:
    local = datetime(day.year, day.month, day.day, 3, tzinfo=ZoneInfo(timezone))
    return local.astimezone(UTC).replace(tzinfo=None).isoformat()


def _stored_movements(connection: Connection[Any]) -> list[Movement]:
    rows = connection.execute(
        "SELECT location_id, product_id, type, quantity, created_at FROM stock_movements"
    ).fetchall()
    connection.rollback()
    return [Movement(*row) for row in rows]
