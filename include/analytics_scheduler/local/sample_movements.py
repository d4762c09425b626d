"""The movements of the sample data, in order of time, and the stock after them.

Shops open from eight to eight and sell most on Saturdays; deliveries come on Tuesdays and Fridays,
and stock is counted on Mondays. The first movement of each product of a shop is a delivery. If
there is too little stock for a sale, a delivery comes instead, so stock is never negative.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random

from analytics_scheduler.vocabulary import MovementType

_OPENS, _CLOSES = timedelta(hours=8), timedelta(hours=20)
_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)
_OPENING_SPAN = timedelta(hours=1)
_BLOCK = 20_000
_MOVEMENTS_PER_ITEM = 3

# Monday to Sunday: how busy a day is, and the share of its movements that are not sales.
_BUSYNESS = (0.9, 0.85, 0.9, 1.0, 1.3, 1.6, 0.5)
_DELIVERY_SHARES = (0.02, 0.32, 0.02, 0.02, 0.28, 0.02, 0.0)
_WASTE_SHARES = (0.08, 0.03, 0.03, 0.03, 0.03, 0.04, 0.02)
_STOCK_TAKE_SHARES = (0.10, 0.01, 0.01, 0.01, 0.01, 0.0, 0.0)
_RETURN_SHARES = (0.04, 0.02, 0.02, 0.02, 0.02, 0.02, 0.0)

# Type and reason as COPY's text, and what a positive quantity does to the stock.
_SALE = f"{MovementType.OUT}\tSale", -1
_RETURN = f"{MovementType.OUT}\tCustomer return", -1
_WASTE = f"{MovementType.WASTE}\tExpired", -1
_DELIVERY = f"{MovementType.IN}\tDelivery", 1
_STOCK_TAKE = f"{MovementType.ADJUSTMENT}\tStock-take", 1

# The text of every second of a day: formatting each time would be most of the work.
_CLOCK = tuple(f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}" for s in range(86_400))


@dataclass(frozen=True, slots=True)
class _Day:
    """The part of a day in which movements are booked, and how many."""

    begins: datetime
    ends: datetime
    count: int


@dataclass(slots=True)
class StockOnHand:
    """The quantity on hand of every item, an item being a product in a location.

    The number of an item is that of its location times `range_size`, plus that of its product.
    """

    locations: int
    range_size: int
    quantities: array[int] = field(init=False)

    def __post_init__(self) -> None:
        self.quantities = array("l", bytes(array("l").itemsize * self.items))

    @property
    def items(self) -> int:
        """How many items there are."""
        return self.locations * self.range_size


def stocked_range(locations: int, products: int, movements: int) -> int:
    """Return how many products each location sells, so that each has some movements."""
    return max(1, min(products, movements // _MOVEMENTS_PER_ITEM // locations))


def movement_blocks(
    stock: StockOnHand,
    keys: list[str],
    random: Random,
    *,
    count: int,
    since: datetime,
    until: datetime,
) -> Iterator[tuple[int, str]]:
    """Yield exactly `count` movements as blocks of COPY text, each with its number of rows.

    `keys` has, for each item, the text of two columns: product and location. The columns after
    them are quantity, type, reason and created_at, which never decreases.
    """
    trading_begins = since + _OPENING_SPAN
    yield from _blocks(_openings(stock, keys, random, since))
    for day in _days(count - stock.items, trading_begins, until):
        yield from _blocks(_movements(stock, keys, random, day))


def _blocks(lines: Iterator[str]) -> Iterator[tuple[int, str]]:
    block: list[str] = []
    for line in lines:
        block.append(line)
        if len(block) == _BLOCK:
            yield _BLOCK, "".join(block)
            block = []
    if block:
        yield len(block), "".join(block)


def _openings(
    stock: StockOnHand, keys: list[str], random: Random, since: datetime
) -> Iterator[str]:
    step = min(_OPENING_SPAN / stock.items, timedelta(seconds=1))
    for item, key in enumerate(keys):
        quantity = 12 + int(random.random() * 48)
        stock.quantities[item] = quantity
        yield f"{key}\t{quantity}\tin\tOpening delivery\t{since + item * step}\n"


def _days(count: int, begins: datetime, ends: datetime) -> list[_Day]:
    """Spread movements over the opening hours: the busier a day, the more it gets."""
    hours = []
    midnight = begins.replace(hour=0, minute=0, second=0, microsecond=0)
    while midnight < ends:
        opens, closes = max(midnight + _OPENS, begins), min(midnight + _CLOSES, ends)
        if opens < closes:
            hours.append((opens, closes))
        midnight += _DAY
    weights = [
        _BUSYNESS[opens.weekday()] * ((closes - opens) / _MICROSECOND) for opens, closes in hours
    ]
    bounds = [round(count * total / sum(weights)) for total in accumulate(weights)]
    counts = [bound - before for before, bound in zip([0, *bounds], bounds, strict=False)]
    return [_Day(*span, number) for span, number in zip(hours, counts, strict=True)]


def _movements(stock: StockOnHand, keys: list[str], random: Random, day: _Day) -> Iterator[str]:
    draw = random.random
    quantities, range_size, locations = stock.quantities, stock.range_size, stock.locations
    bounds = _bounds_of(day.begins.weekday())
    date = f"{day.begins:%Y-%m-%d} "
    midnight = day.begins.replace(hour=0, minute=0, second=0, microsecond=0)
    first = (day.begins - midnight) / _MICROSECOND
    step = (day.ends - day.begins) / _MICROSECOND / max(1, day.count)
    for number in range(day.count):
        # The powers make some shops larger than others, and some products sell better.
        item = int(locations * draw() ** 1.2) * range_size + int(range_size * draw() ** 1.5)
        kind, size = draw(), draw()
        (columns, sign), net = _entry(kind, size, bounds)
        if quantities[item] + net < 0:
            (columns, sign), net = _DELIVERY, 12 + int(24 * size)
        quantities[item] += net
        moment = int(first + (number + draw()) * step)
        seconds, micros = divmod(moment, 1_000_000)
        yield f"{keys[item]}\t{sign * net}\t{columns}\t{date}{_CLOCK[seconds]}.{micros:06}\n"


def _bounds_of(weekday: int) -> tuple[float, ...]:
    """Return where deliveries, waste, stock-takes and returns end between 0 and 1; sales follow."""
    shares = (_DELIVERY_SHARES, _WASTE_SHARES, _STOCK_TAKE_SHARES, _RETURN_SHARES)
    return tuple(accumulate(share[weekday] for share in shares))


def _entry(kind: float, size: float, bounds: tuple[float, ...]) -> tuple[tuple[str, int], int]:
    """Return the kind of a movement, and what it adds to the stock, from two random numbers."""
    delivered, wasted, counted, returned = bounds
    if kind >= returned:
        return _SALE, -(1 + int(4 * size * size))
    if kind < delivered:
        return _DELIVERY, 6 + int(18 * size)
    if kind < wasted:
        return _WASTE, -(1 + int(3 * size))
    if kind < counted:
        return _STOCK_TAKE, (-3, -2, -1, -1, 1, 2)[int(6 * size)]
    return _RETURN, 1
