"""Believable inventories, made row by row: what a test says is what is there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from psycopg.rows import dict_row
from tests.support.database import Database
from tests.support.moments import utc

from analytics_scheduler.periods import Calendar
from analytics_scheduler.queries import Queries
from analytics_scheduler.settings import DatabaseSettings, SnapshotSettings
from analytics_scheduler.snapshots import SnapshotReport, request_for, take_snapshots
from analytics_scheduler.snapshots.context import RunSettings
from analytics_scheduler.vocabulary import PeriodType

NET_SIGN = {"in": 1, "out": -1, "waste": -1, "adjustment": 1}


@dataclass(frozen=True, slots=True)
class Inventory(Database):
    """The source tables of one test database; every call commits."""

    def location(
        self, name: str = "Corner shop", *, is_active: bool = True, location_id: UUID | None = None
    ) -> UUID:
        new_id = location_id or uuid4()
        self.execute("INSERT INTO locations VALUES (%s, %s, %s)", new_id, name, is_active)
        return new_id

    def product(
        self, cost: str | None = "2.00", price: str | None = "5.00", *, name: str = "Milk, 1 l"
    ) -> UUID:
        new_id = uuid4()
        self.execute(
            "INSERT INTO products (id, name, sku, category, cost, price)"
            " VALUES (%s, %s, %s, 'dairy', %s, %s)",
            new_id,
            name,
            f"SKU-{new_id.hex[:8]}",
            cost,
            price,
        )
        return new_id

    def stock(self, location: UUID, product: UUID, quantity: int | Decimal | None) -> None:
        """Set what is on hand, without any movement."""
        self.execute(
            "INSERT INTO inventory_items (product_id, location_id, quantity, last_updated)"
            " VALUES (%s, %s, %s, now())"
            " ON CONFLICT (product_id, location_id) DO UPDATE SET quantity = excluded.quantity",
            product,
            location,
            quantity,
        )

    def move(
        self,
        location: UUID,
        product: UUID,
        kind: str | None,
        quantity: int | Decimal | None,
        at: str | datetime,
        *,
        moves_stock: bool = True,
    ) -> None:
        """Book a movement at a moment in UTC, and let the stock follow it."""
        moment = datetime.fromisoformat(at) if isinstance(at, str) else at
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
        self.execute(
            "INSERT INTO stock_movements (product_id, location_id, quantity, type, reason,"
            " created_at) VALUES (%s, %s, %s, %s, 'test', %s)",
            product,
            location,
            quantity,
            kind,
            moment,
        )
        if moves_stock and kind in NET_SIGN and quantity is not None:
            self.execute(
                "INSERT INTO inventory_items (product_id, location_id, quantity, last_updated)"
                " VALUES (%s, %s, %s, now()) ON CONFLICT (product_id, location_id)"
                " DO UPDATE SET quantity = inventory_items.quantity + excluded.quantity",
                product,
                location,
                NET_SIGN[kind] * quantity,
            )

    def reprice(self, product: UUID, *, cost: str | None, price: str | None = "5.00") -> None:
        self.execute(
            "UPDATE products SET cost = %s, price = %s WHERE id = %s", cost, price, product
        )


@dataclass(frozen=True, slots=True)
class Analyst(Database):
    """Takes snapshots with settings of the test's choice, and reads them."""

    database: DatabaseSettings
    timezone: str = "UTC"
    week_start: int = 6
    environ: tuple[tuple[str, str], ...] = ()

    @property
    def queries(self) -> Queries:
        return Queries(self.connection, self.database)

    @property
    def settings(self) -> RunSettings:
        return RunSettings(
            database=self.database,
            snapshots=SnapshotSettings.load(dict(self.environ)),
            calendar=Calendar(ZoneInfo(self.timezone), self.week_start),
        )

    def take(
        self,
        period_type: str = "daily",
        *,
        at: str,
        day: str | None = None,
        days: tuple[str, str] | None = None,
        force: bool = False,
    ) -> SnapshotReport:
        """Take the snapshot that a run at a moment (UTC) stands for, or of a named day or range."""
        moment = utc(at)
        request = request_for(
            PeriodType(period_type),
            self.settings.calendar,
            run_id=f"test at {at}",
            moment=moment,
            now=moment,
            date_wanted=date.fromisoformat(day) if day else None,
            date_range=(date.fromisoformat(days[0]), date.fromisoformat(days[1])) if days else None,
            force=force,
        )
        return take_snapshots(self.connection, self.settings, request)

    def row(self, location: UUID, start: str, period_type: str = "daily") -> dict[str, Any]:
        """Return one snapshot, or fail if there is none."""
        return self.snapshots(period_type)[location, date.fromisoformat(start)]

    def snapshots(self, period_type: str = "daily") -> dict[tuple[UUID, date], dict[str, Any]]:
        """Return all snapshots of a period type, by location and first day."""
        with self.connection.cursor(row_factory=dict_row) as cursor:
            cursor.execute(
                "SELECT * FROM analytics_snapshots WHERE period_type = %s ORDER BY period_start",
                (period_type,),
            )
            found = {(row["location_id"], row["period_start"]): row for row in cursor}
        self.connection.rollback()
        return found


# The figures that these tests work out by hand. A further figure brings tests of its own.
FIGURES = (
    "total_inventory_value",
    "total_items",
    "turnover_ratio",
    "wastage_value",
    "wastage_percentage",
    "revenue",
    "cost_of_goods_sold",
)


def figures(row: dict[str, Any], names: Iterable[str] = FIGURES) -> dict[str, str | None]:
    """Return figures of a snapshot as texts: 0.00 is not 0.0."""
    return {name: None if row[name] is None else str(row[name]) for name in names}


def decimals(*texts: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(text) for text in texts)
