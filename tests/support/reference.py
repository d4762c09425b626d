"""A second, independent way to the figures: plain Python over a list of movements.

It follows the definitions, not the statements: per product, with decimals, day by day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from tests.support.inventory import NET_SIGN

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Movement:
    location: UUID
    product: UUID
    kind: str
    quantity: int
    at: datetime  # naive, UTC


@dataclass(frozen=True, slots=True)
class Books:
    """All that is known of an inventory: stock of now, movements ever, and what products cost."""

    stock: dict[tuple[UUID, UUID], int]
    movements: list[Movement]
    costs: dict[UUID, Decimal]
    prices: dict[UUID, Decimal]
    timezone: ZoneInfo

    def local_day(self, movement: Movement) -> date:
        return movement.at.replace(tzinfo=UTC).astimezone(self.timezone).date()

    def on_hand(self, location: UUID, end: date) -> dict[UUID, int]:
        """Return what was there when the day was over, by product."""
        found = {
            product: count for (shop, product), count in self.stock.items() if shop == location
        }
        for movement in self.movements:
            if movement.location == location and self.local_day(movement) > end:
                found[movement.product] = (
                    found.get(movement.product, 0) - NET_SIGN[movement.kind] * movement.quantity
                )
        return found

    def value(self, location: UUID, end: date) -> Decimal:
        stock = self.on_hand(location, end)
        return sum((count * self.costs[product] for product, count in stock.items()), Decimal(0))

    def figures(self, location: UUID, start: date, end: date) -> dict[str, str | None]:
        """Return the seven figures of a period as texts."""
        inside = [
            movement
            for movement in self.movements
            if movement.location == location and start <= self.local_day(movement) <= end
        ]

        def total(kinds: set[str], worth: dict[UUID, Decimal]) -> Decimal:
            return sum(
                (m.quantity * worth[m.product] for m in inside if m.kind in kinds), Decimal(0)
            )

        cogs = total({"out", "waste"}, self.costs)
        waste = total({"waste"}, self.costs)
        closing = self.value(location, end)
        average = (self.value(location, start - timedelta(days=1)) + closing) / 2
        if cogs == 0:
            turnover: Decimal | None = Decimal(0)
        else:
            turnover = cogs / average if average > 0 else None
        return {
            "total_inventory_value": _text(closing),
            "total_items": str(sum(self.on_hand(location, end).values())),
            "turnover_ratio": _text(turnover, 6),
            "wastage_value": _text(waste),
            "wastage_percentage": _text(100 * waste / cogs if cogs else Decimal(0), 3),
            "revenue": _text(total({"out"}, self.prices)),
            "cost_of_goods_sold": _text(cogs),
        }


def _text(value: Decimal | None, digits: int = 10) -> str | None:
    if value is None:
        return None
    rounded = value.quantize(CENT, rounding=ROUND_HALF_UP)
    if abs(rounded) >= 10**digits:
        return None
    return str(abs(rounded)) if rounded == 0 else str(rounded)
