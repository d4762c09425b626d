"""Sample data: believable shops, products and movements, the same for the same seed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from psycopg import Connection

from analytics_scheduler.database import statement
from analytics_scheduler.errors import SchemaError
from analytics_scheduler.local.sample_catalogue import Product, Shop, make_products, make_shops
from analytics_scheduler.local.sample_movements import Ledger, movement_blocks, stocked_range
from analytics_scheduler.settings import DatabaseSettings

Progress = Callable[[int, int], None]
"""Called with the movements written so far, and with how many there will be."""

_RELATIONS = 4


@dataclass(frozen=True, slots=True)
class SampleReport:
    """What was loaded; moments are in UTC."""

    locations: int
    products: int
    movements: int
    first_movement: datetime
    last_movement: datetime
    seconds: float


def create_source_tables(
    connection: Connection[Any], settings: DatabaseSettings | None = None
) -> None:
    """Create the four documented source tables, without their keys and indexes."""
    connection.execute(statement("create_source_tables", settings or DatabaseSettings.load({})))


def create_source_keys(
    connection: Connection[Any], settings: DatabaseSettings | None = None
) -> None:
    """Create the keys, references and indexes of the source tables; fastest after a load."""
    connection.execute(statement("create_source_keys", settings or DatabaseSettings.load({})))


def load_sample(
    connection: Connection[Any],
    *,
    locations: int,
    products: int,
    movements: int,
    until: datetime,
    days: int = 90,
    seed: int = 7,
    closed: int = 0,
    settings: DatabaseSettings | None = None,
    progress: Progress | None = None,
) -> SampleReport:
    """Fill the source tables with movements of the days before `until`, and commit.

    Creates the tables where they are missing, and their keys and indexes after the load; tables
    that are there must be empty, or SchemaError is raised. A moment without a zone is in UTC.
    Each location sells as many of the products as the movements suffice for; `closed` of the
    locations are not active. Raises ValueError for sizes that cannot be.
    """
    if min(locations, products, days) < 1 or movements < locations or not 0 <= closed <= locations:
        raise ValueError("A sample needs locations, products, days, and a movement a location.")
    started = time.monotonic()
    settings = settings or DatabaseSettings.load({})
    end = until.astimezone(UTC).replace(tzinfo=None) if until.tzinfo else until
    random = Random(seed)
    shops = make_shops(locations, random, closed=closed)
    goods = make_products(products, random)
    load = _Load(connection, settings, shops, goods, movements)
    with connection.transaction():
        connection.execute("SELECT set_config('statement_timeout', '0', true)")
        is_new = _prepare(connection, settings)
        load.catalogue()
        ledger, last = load.movements(random, end - timedelta(days=days), end, progress)
        load.stock(ledger, last)
        if is_new:
            create_source_keys(connection, settings)
        connection.execute(statement("analyze_tables", settings))
    connection.commit()
    return SampleReport(
        locations=locations,
        products=products,
        movements=movements,
        first_movement=(end - timedelta(days=days)).replace(tzinfo=UTC),
        last_movement=last.replace(tzinfo=UTC),
        seconds=time.monotonic() - started,
    )


def _prepare(connection: Connection[Any], settings: DatabaseSettings) -> bool:
    """Return whether the tables were made now, or raise SchemaError where rows are in the way."""
    found = connection.execute(
        statement("find_source_tables", settings), {"source_schema": settings.source_schema}
    ).fetchall()
    if not found:
        create_source_tables(connection, settings)
        return True
    if len(found) < _RELATIONS:
        raise SchemaError(
            f"Schema {settings.source_schema} has some of the source relations only "
            f"({', '.join(name for (name,) in found)}). Load the sample into an empty schema."
        )
    row = connection.execute(statement("has_rows", settings)).fetchone()
    if row is None or row[0]:
        raise SchemaError(
            f"The source relations in schema {settings.source_schema} hold rows, and sample data "
            "do not mix with real ones. Load the sample into an empty database."
        )
    return False


@dataclass(frozen=True, slots=True)
class _Load:
    """The steps of one load, each by COPY."""

    connection: Connection[Any]
    settings: DatabaseSettings
    shops: list[Shop]
    goods: list[Product]
    count: int

    def catalogue(self) -> None:
        """Write the shops and the products."""
        with self._copy("locations") as copy:
            for shop in self.shops:
                copy.write_row((shop.id, shop.name, shop.is_active))
        with self._copy("products") as copy:
            for each in self.goods:
                copy.write_row((each.id, each.name, each.sku, each.category, each.cost, each.price))

    def movements(
        self, random: Random, since: datetime, until: datetime, progress: Progress | None
    ) -> tuple[Ledger, datetime]:
        """Write the movements; return the stock that they leave, and the moment of the last."""
        range_size = stocked_range(len(self.shops), len(self.goods), self.count)
        ledger = Ledger(len(self.shops), range_size)
        blocks = movement_blocks(
            ledger, self._keys(range_size), random, count=self.count, since=since, until=until
        )
        written, block = 0, ""
        with self._copy("movements") as copy:
            for rows, block in blocks:
                copy.write(block)
                written += rows
                if progress:
                    progress(written, self.count)
        return ledger, datetime.fromisoformat(block.rstrip("\n").rpartition("\t")[2])

    def stock(self, ledger: Ledger, moment: datetime) -> None:
        """Write what is on hand after all movements."""
        with self._copy("stock") as copy:
            for key, quantity in zip(self._keys(ledger.range_size), ledger.quantities, strict=True):
                copy.write(f"{key}\t{quantity}\t{moment}\n")

    def _keys(self, range_size: int) -> list[str]:
        """Return product and location of every item, as COPY's text of two columns.

        Each location's range starts where that of the one before ends, so that all products are
        sold somewhere.
        """
        names = [str(product.id) for product in self.goods]
        return [
            f"{names[(number * range_size + place) % len(names)]}\t{shop.id}"
            for number, shop in enumerate(self.shops)
            for place in range(range_size)
        ]

    def _copy(self, name: str) -> Any:
        cursor = self.connection.cursor()
        return cursor.copy(statement(f"copy_{name}", self.settings))
