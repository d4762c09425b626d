"""Sample data: believable shops, products and movements, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from analytics_scheduler.errors import SchemaError
from analytics_scheduler.local.sample_catalogue import Product, Shop, make_products, make_shops
from analytics_scheduler.local.sample_movements import StockOnHand, movement_blocks, stocked_range
from analytics_scheduler.queries import Queries
from analytics_scheduler.source.catalog import read_relations
from analytics_scheduler.source.contract import RELATIONS

Progress = Callable[[int, int], None]
"""Called with the number of movements written so far, and the number to write in all."""


def has_source_tables(queries: Queries) -> bool:
    """Return whether the source schema has the four relations of the contract.

    Raises SchemaError if it has some of them, but not all.
    """
    found = [relation.relation_name for relation in read_relations(queries, RELATIONS)]
    if found and len(found) < len(RELATIONS):
        raise SchemaError(
            f"Schema {queries.settings.source_schema} has only part of an inventory: "
            f"{', '.join(found)}. Nothing was changed. Use an empty schema, or run: "
            "analytics-scheduler check"
        )
    return bool(found)


def create_source_tables(queries: Queries) -> None:
    """Create the four tables of the source contract, without their keys and indexes.

    Until the transaction ends, the search path is the source schema.
    """
    queries.run("set_search_path", schema=queries.settings.source_schema)
    queries.run("create_source_tables")


def create_source_keys(queries: Queries) -> None:
    """Create the keys, references and indexes of the source tables; fastest after a load.

    Until the transaction ends, the search path is the source schema.
    """
    queries.run("set_search_path", schema=queries.settings.source_schema)
    queries.run("create_source_keys")


def load_sample(
    queries: Queries,
    *,
    locations: int,
    products: int,
    movements: int,
    until: datetime,
    days: int = 90,
    seed: int = 7,
    closed: int = 0,
    progress: Progress | None = None,
) -> None:
    """Fill the source tables with movements of the days before `until`, and commit.

    Creates the tables if they are missing, and then their keys and indexes after the load.
    Existing tables must be empty. A time without a zone is in UTC. The last `closed` locations are
    not active. Each location sells as many products as there are movements for.
    Raises ValueError for impossible sizes, and SchemaError if there is an inventory already.
    """
    if min(locations, products, days) < 1 or movements < locations or not 0 <= closed <= locations:
        raise ValueError(
            "A sample needs locations, products, days, and a movement for each location."
        )
    end = until.astimezone(UTC).replace(tzinfo=None) if until.tzinfo else until
    random = Random(seed)
    shops = make_shops(locations, random, closed=closed)
    goods = make_products(products, random)
    load = _Load(queries, shops, goods, movements)
    with queries.connection.transaction():
        queries.run("lift_timeout")
        is_new = _prepare_tables(queries)
        load.catalogue()
        stock, last = load.movements(random, end - timedelta(days=days), end, progress)
        load.stock(stock, last)
        if is_new:
            create_source_keys(queries)
        queries.run("analyze_tables")
    queries.connection.commit()


def _prepare_tables(queries: Queries) -> bool:
    """Return whether the tables were created now; raise SchemaError if they hold rows."""
    if not has_source_tables(queries):
        create_source_tables(queries)
        return True
    if queries.value("has_rows"):
        raise SchemaError(
            f"The source tables in schema {queries.settings.source_schema} have rows, and sample "
            "data must not be mixed with real data. Load the sample into an empty database."
        )
    return False


@dataclass(frozen=True, slots=True)
class _Load:
    """The steps of one load, each by COPY."""

    queries: Queries
    shops: list[Shop]
    goods: list[Product]
    count: int

    def catalogue(self) -> None:
        with self.queries.copy("copy_locations") as copy:
            for shop in self.shops:
                copy.write_row((shop.id, shop.name, shop.is_active))
        with self.queries.copy("copy_products") as copy:
            for each in self.goods:
                copy.write_row((each.id, each.name, each.sku, each.category, each.cost, each.price))

    def movements(
        self, random: Random, since: datetime, until: datetime, progress: Progress | None
    ) -> tuple[StockOnHand, datetime]:
        """Write the movements; return the stock after them, and the time of the last one."""
        range_size = stocked_range(len(self.shops), len(self.goods), self.count)
        stock = StockOnHand(len(self.shops), range_size)
        blocks = movement_blocks(
            stock, self._keys(range_size), random, count=self.count, since=since, until=until
        )
        written, block = 0, ""
        with self.queries.copy("copy_movements") as copy:
            for rows, block in blocks:
                copy.write(block)
                written += rows
                if progress:
                    progress(written, self.count)
        return stock, datetime.fromisoformat(block.rstrip("\n").rpartition("\t")[2])

    def stock(self, stock: StockOnHand, moment: datetime) -> None:
        with self.queries.copy("copy_stock") as copy:
            for key, quantity in zip(self._keys(stock.range_size), stock.quantities, strict=True):
                copy.write(f"{key}\t{quantity}\t{moment}\n")

    def _keys(self, range_size: int) -> list[str]:
        """Return the product and location of every item, as COPY's text of two columns.

        The range of each location starts where that of the one before ends, so that every product
        is sold somewhere.
        """
        names = [str(product.id) for product in self.goods]
        return [
            f"{names[(number * range_size + place) % len(names)]}\t{shop.id}"
            for number, shop in enumerate(self.shops)
            for place in range(range_size)
        ]
