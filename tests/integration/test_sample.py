"""Sample data are the same for the same seed, of the size asked for, and add up."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from analytics_scheduler.errors import SchemaError
from analytics_scheduler.local.sample import load_sample
from analytics_scheduler.local.servers import scratch_database

UNTIL = datetime(2026, 3, 2)  # noqa: DTZ001 - the movements' own form: a Monday, 00:00 UTC
SINCE = datetime(2026, 2, 2)  # noqa: DTZ001 - 28 days before: each weekday four times
TABLES = ("locations", "products", "inventory_items", "stock_movements")
TUESDAY, FRIDAY, SATURDAY, SUNDAY = 1, 4, 5, 6


def load(connection: Connection[Any], *, seed: int = 7) -> None:
    load_sample(
        connection,
        locations=3,
        products=40,
        movements=5_000,
        until=UNTIL,
        days=28,
        seed=seed,
        closed=1,
    )


@pytest.fixture
def sample(connection: Connection[Any]) -> Connection[Any]:
    load(connection)
    return connection


def digests(connection: Connection[Any]) -> list[Any]:
    return [
        connection.execute(
            f"SELECT md5(string_agg(row::text, '' ORDER BY row::text)) FROM {table} AS row"
        ).fetchone()
        for table in TABLES
    ]


def movements(connection: Connection[Any]) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT location_id, product_id, type, quantity, created_at FROM stock_movements"
    ).fetchall()


def test_the_same_seed_makes_the_same_rows_and_another_others(
    sample: Connection[Any], postgres_server: str, template_database: str
) -> None:
    first = digests(sample)
    for seed, is_same in ((7, True), (8, False)):
        with (
            scratch_database(postgres_server, template=template_database) as url,
            psycopg.connect(url) as other,
        ):
            load(other, seed=seed)
            assert (digests(other) == first) is is_same


def test_the_size_is_exactly_what_was_asked_for(sample: Connection[Any]) -> None:
    counts = [sample.execute(f"SELECT count(*) FROM {table}").fetchone() for table in TABLES]
    assert counts == [(3,), (40,), (120,), (5_000,)]
    closed = sample.execute("SELECT count(*) FROM locations WHERE NOT is_active").fetchone()
    assert closed == (1,)


def test_the_stock_is_the_sum_of_the_movements_and_never_was_negative(
    sample: Connection[Any],
) -> None:
    on_hand: Counter[tuple[Any, Any]] = Counter()
    for location, product, kind, quantity, _ in sorted(movements(sample), key=lambda row: row[4]):
        on_hand[location, product] += -quantity if kind in ("out", "waste") else quantity
        assert on_hand[location, product] >= 0
    stock = sample.execute("SELECT location_id, product_id, quantity FROM inventory_items")
    assert {(location, product): quantity for location, product, quantity in stock} == on_hand


def test_movements_of_every_kind_lie_in_the_days_asked_for(sample: Connection[Any]) -> None:
    rows = movements(sample)
    assert {row[2] for row in rows} == {"in", "out", "waste", "adjustment"}
    assert {row[2] for row in rows if row[3] < 0} == {"out", "adjustment"}  # returns, stock-takes
    assert min(row[4] for row in rows) == SINCE
    assert max(row[4] for row in rows) < UNTIL
    assert {row[4].date() for row in rows} >= {datetime(2026, 3, 1).date()}  # noqa: DTZ001


def test_a_week_has_its_rhythm(sample: Connection[Any]) -> None:
    """Saturdays are the busiest, Sundays the quietest; most deliveries come on two days."""
    rows = [row for row in movements(sample) if row[4] >= datetime(2026, 2, 3)]  # noqa: DTZ001
    sales = Counter(row[4].weekday() for row in rows if row[2] == "out")
    assert max(sales, key=sales.__getitem__) == SATURDAY
    assert min(sales, key=sales.__getitem__) == SUNDAY
    assert sales[SATURDAY] > 2 * sales[SUNDAY]
    deliveries = Counter(row[4].weekday() for row in rows if row[2] == "in")
    assert deliveries[TUESDAY] + deliveries[FRIDAY] > deliveries.total() / 2


def test_names_hold_quotes_and_letters_beyond_ascii(connection: Connection[Any]) -> None:
    load_sample(connection, locations=12, products=60, movements=3_000, until=UNTIL)
    names = "".join(name for (name,) in connection.execute("SELECT name FROM locations"))
    assert "'" in names
    assert '"' in names
    assert not names.isascii()


def test_a_sample_does_not_mix_with_rows_that_are_there(sample: Connection[Any]) -> None:
    before = digests(sample)
    sample.commit()
    with pytest.raises(SchemaError, match="hold rows"):
        load(sample, seed=8)
    assert digests(sample) == before
