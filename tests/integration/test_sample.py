"""Sample data: the same for the same seed, of the requested size, and consistent."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from psycopg import Connection, sql
from tests.support.database import scratch_database

from analytics_scheduler.errors import SchemaError
from analytics_scheduler.local.sample import load_sample
from analytics_scheduler.queries import Queries
from analytics_scheduler.settings import DatabaseSettings

UNTIL = datetime(2026, 3, 2)  # as movements have it: a Monday, 00:00 UTC
SINCE = datetime(2026, 2, 2)  # 28 days before: each weekday four times
TABLES = ("locations", "products", "inventory_items", "stock_movements")
TUESDAY, FRIDAY, SATURDAY, SUNDAY = 1, 4, 5, 6


def load(connection: Connection[Any], **sizes: Any) -> None:
    """Load a sample of 28 days, by default of 3 locations."""
    chosen = {"locations": 3, "products": 40, "movements": 5_000, "until": UNTIL, "days": 28}
    load_sample(Queries(connection, DatabaseSettings.load({})), **{**chosen, **sizes})


@pytest.fixture
def sample(connection: Connection[Any]) -> Connection[Any]:
    load(connection, closed=1)
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


def test_the_same_seed_makes_the_same_rows(
    sample: Connection[Any], postgres_server: str, template_database: str
) -> None:
    first = digests(sample)
    for seed, is_same in ((7, True), (8, False)):
        with (
            scratch_database(postgres_server, template=template_database) as url,
            psycopg.connect(url) as other,
        ):
            load(other, seed=seed, closed=1)
            assert (digests(other) == first) is is_same


def test_the_size_is_exactly_as_requested(sample: Connection[Any]) -> None:
    counts = [sample.execute(f"SELECT count(*) FROM {table}").fetchone() for table in TABLES]
    assert counts == [(3,), (40,), (120,), (5_000,)]
    closed = sample.execute("SELECT count(*) FROM locations WHERE NOT is_active").fetchone()
    assert closed == (1,)


def test_stock_is_the_sum_of_movements_never_negative(sample: Connection[Any]) -> None:
    on_hand: Counter[tuple[Any, Any]] = Counter()
    for location, product, kind, quantity, _ in sorted(movements(sample), key=lambda row: row[4]):
        on_hand[location, product] += -quantity if kind in ("out", "waste") else quantity
        assert on_hand[location, product] >= 0
    stock = sample.execute("SELECT location_id, product_id, quantity FROM inventory_items")
    assert {(location, product): quantity for location, product, quantity in stock} == on_hand


@pytest.mark.parametrize(
    ("locations", "products", "count"),
    [(1, 1, 1), (1, 1, 50), (5, 3, 5), (40, 30, 1_000), (300, 25, 3_000)],
)
def test_any_size_adds_up_in_every_location(
    connection: Connection[Any], locations: int, products: int, count: int
) -> None:
    load(connection, locations=locations, products=products, movements=count)
    on_hand: Counter[tuple[Any, Any]] = Counter()
    for location, product, kind, quantity, _ in movements(connection):
        on_hand[location, product] += -quantity if kind in ("out", "waste") else quantity
    stock = connection.execute("SELECT location_id, product_id, quantity FROM inventory_items")
    stored = {(location, product): quantity for location, product, quantity in stock}
    assert len(movements(connection)) == count
    assert stored == on_hand
    assert len({location for location, _ in stored}) == locations


def test_few_movements_still_sell_every_product(connection: Connection[Any]) -> None:
    load(connection, locations=10, products=60, movements=300)
    sold = connection.execute(
        "SELECT count(DISTINCT product_id), count(*) FROM inventory_items"
    ).fetchone()
    assert sold == (60, 100)  # 30 movements a location are enough for ten products


@pytest.mark.parametrize(
    "wrong", [{"locations": 0}, {"products": 0}, {"movements": 2}, {"days": 0}, {"closed": 4}]
)
def test_impossible_sizes_are_refused(connection: Connection[Any], wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="A sample needs"):
        load(connection, **{"products": 4, "movements": 100, **wrong})


def test_movements_are_written_in_order_of_time(sample: Connection[Any]) -> None:
    rows = sample.execute("SELECT created_at FROM stock_movements ORDER BY id").fetchall()
    assert all(one <= other for one, other in pairwise(rows))


def test_the_end_may_be_in_any_zone(connection: Connection[Any]) -> None:
    kolkata = timezone(timedelta(hours=5, minutes=30))
    load(connection, products=4, until=datetime(2026, 3, 10, 23, 30, tzinfo=kolkata))
    # That is 18:00 in UTC, when shops are still open.
    latest = max(row[4] for row in movements(connection))
    assert datetime(2026, 3, 10, 17) < latest < datetime(2026, 3, 10, 18)


def test_progress_rises_to_the_last_movement(connection: Connection[Any]) -> None:
    calls: list[tuple[int, int]] = []
    load(
        connection,
        products=4,
        movements=45_000,
        progress=lambda done, total: calls.append((done, total)),
    )
    done = [each for each, _ in calls]
    assert done == sorted(done)
    assert len(done) > 10
    assert calls[-1] == (45_000, 45_000)


def test_movements_of_every_type_are_in_the_days(sample: Connection[Any]) -> None:
    rows = movements(sample)
    assert {row[2] for row in rows} == {"in", "out", "waste", "adjustment"}
    assert {row[2] for row in rows if row[3] < 0} == {"out", "adjustment"}  # returns, stock-takes
    assert min(row[4] for row in rows) == SINCE
    assert max(row[4] for row in rows) < UNTIL
    assert {row[4].date() for row in rows} >= {datetime(2026, 3, 1).date()}


def test_a_week_has_its_rhythm(sample: Connection[Any]) -> None:
    """Saturdays are the busiest, Sundays the quietest; most deliveries come on two days."""
    rows = [row for row in movements(sample) if row[4] >= datetime(2026, 2, 3)]
    sales = Counter(row[4].weekday() for row in rows if row[2] == "out")
    assert max(sales, key=sales.__getitem__) == SATURDAY
    assert min(sales, key=sales.__getitem__) == SUNDAY
    assert sales[SATURDAY] > 2 * sales[SUNDAY]
    deliveries = Counter(row[4].weekday() for row in rows if row[2] == "in")
    assert deliveries[TUESDAY] + deliveries[FRIDAY] > deliveries.total() / 2


def test_names_hold_quotes_and_letters_beyond_ascii(connection: Connection[Any]) -> None:
    load(connection, locations=12, products=60, movements=3_000)
    names = "".join(name for (name,) in connection.execute("SELECT name FROM locations"))
    assert "'" in names
    assert '"' in names
    assert not names.isascii()


def test_no_two_shops_or_products_share_a_name(connection: Connection[Any]) -> None:
    load(connection, locations=600, products=300, movements=3_000)
    counted = connection.execute(
        "SELECT (SELECT count(DISTINCT name) FROM locations), count(DISTINCT name),"
        " count(DISTINCT sku), bool_and(0 < cost AND cost < price) FROM products"
    ).fetchone()
    assert counted == (600, 300, 300, True)


def test_an_empty_database_gets_keys_and_indexes(postgres_server: str) -> None:
    with (
        scratch_database(postgres_server) as url,
        psycopg.connect(url) as connection,
        psycopg.connect(url) as other,
    ):
        connection.execute("SELECT 1")  # opens a transaction, which the load must end
        load(connection)
        keys = other.execute(
            "SELECT c.relname, count(*) FROM pg_constraint AS k"
            " INNER JOIN pg_class AS c ON k.conrelid = c.oid"
            " WHERE k.contype IN ('p', 'f') AND c.relnamespace = 'public'::regnamespace"
            " GROUP BY 1 ORDER BY 1"
        ).fetchall()
        indexes = other.execute("SELECT string_agg(indexdef, ';') FROM pg_indexes").fetchone()
    assert keys == [
        ("inventory_items", 3),
        ("locations", 1),
        ("products", 1),
        ("stock_movements", 3),
    ]
    assert indexes is not None
    assert "stock_movements USING btree (created_at)" in indexes[0]
    assert "stock_movements USING btree (location_id, created_at)" in indexes[0]


def test_part_of_an_inventory_is_not_completed(connection: Connection[Any]) -> None:
    connection.execute("DROP TABLE stock_movements")
    connection.commit()
    with pytest.raises(
        SchemaError, match=r"only part of an inventory: locations, products, inventory_items\."
    ):
        load(connection)


def test_a_sample_is_not_mixed_with_other_rows(sample: Connection[Any]) -> None:
    before = digests(sample)
    sample.commit()
    with pytest.raises(SchemaError, match="have rows"):
        load(sample, seed=8)
    assert digests(sample) == before


@pytest.mark.parametrize("schema", ["the shop", 'the "shop"', "100% organic"])
def test_a_sample_can_have_its_own_schema(postgres_server: str, schema: str) -> None:
    """The statements that create the tables name no schema: the load sets the search path."""
    quoted = sql.Identifier(schema)
    settings = DatabaseSettings.load({"SOURCE_SCHEMA": schema})
    with scratch_database(postgres_server) as url, psycopg.connect(url) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(quoted))
        path = connection.execute("SHOW search_path").fetchone()
        load_sample(
            Queries(connection, settings), locations=2, products=3, movements=100, until=UNTIL
        )
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE tablename = ANY(%s) ORDER BY 2",
            (list(TABLES),),
        ).fetchall()
        indexes = connection.execute(
            "SELECT count(*) FROM pg_indexes WHERE schemaname = %s", (schema,)
        ).fetchone()
        assert connection.execute("SHOW search_path").fetchone() == path
    assert tables == [(schema, name) for name in sorted(TABLES)]
    assert indexes == (1 + 2 + 1 + 3,)  # of locations, products, stock and movements
