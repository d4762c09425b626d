"""The movements of the sample data, in order of time, and the stock that they leave behind.

Shops open from eight to eight and sell most on Saturdays; deliveries come on Tuesdays and Fridays,
stock is taken on Mondays. Each product of a shop begins with a delivery. A sale that the stock
does not allow is a delivery instead, so stock is never negative.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random

_OPENS, _CLOSES = timedelta(hours=8), timedelta(hours=20)
_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)
_OPENING_SPAN = timedelta(hours=1)
_BLOCK = 20_000
_MOVEMENTS_PER_ITEM = 3

# Monday to Sunday: how busy a day is, and which part of its movements are not sales.
_BUSYNESS = (0.9, 0.85, 0.9, 1.0, 1.3, 1.6, 0.5)
_DELIVERIES = (0.02, 0.32, 0.02, 0.02, 0.28, 0.02, 0.0)
_WASTE = (0.08, 0.03, 0.03, 0.03, 0.03, 0.04, 0.02)
_STOCK_TAKES = (0.10, 0.01, 0.01, 0.01, 0.01, 0.0, 0.0)
_RETURNS = (0.04, 0.02, 0.02, 0.02, 0.02, 0.02, 0.0)

# The clock, written once: putting a moment's text together is most of the work otherwise.
_CLOCK = tuple(f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}" for s in range(86_400))


@dataclass(frozen=True, slots=True)
class _Day:
    """The part of a day in which movements are booked, and how many."""

    begins: datetime
    ends: datetime
    count: int


@dataclass(slots=True)
class Ledger:
    """What is on the shelves: `items` pairs of location and product, by number.

    An item's number is that of its location times `range_size` plus that of its product;
    `quantities` is what is on hand.
    """

    locations: int
    range_size: int
    quantities: array[int] = field(init=False)

    def __post_init__(self) -> None:
        self.quantities = array("l", bytes(array("l").itemsize * self.items))

    @property
    def items(self) -> int:
        """How many pairs there are."""
        return self.locations * self.range_size


def stocked_range(locations: int, products: int, movements: int) -> int:
    """Return how many products each location sells, so that each has some movements."""
    return max(1, min(products, movements // _MOVEMENTS_PER_ITEM // locations))


def movement_blocks(
    ledger: Ledger,
    keys: list[str],
    random: Random,
    *,
    count: int,
    since: datetime,
    until: datetime,
) -> Iterator[tuple[int, str]]:
    """Yield exactly `count` movements as blocks of COPY text, each with its number of rows.

    `keys` are the texts of the items' product and location, as two columns. The columns that
    follow are quantity, type, reason and created_at. Moments rise strictly but for ties.
    """
    trading_begins = since + _OPENING_SPAN
    yield from _blocks(_openings(ledger, keys, random, since))
    for day in _days(count - ledger.items, trading_begins, until):
        yield from _blocks(_movements(ledger, keys, random, day))


def _blocks(lines: Iterator[str]) -> Iterator[tuple[int, str]]:
    block: list[str] = []
    for line in lines:
        block.append(line)
        if len(block) == _BLOCK:
            yield _BLOCK, "".join(block)
            block = []
    if block:
        yield len(block), "".join(block)


def _openings(ledger: Ledger, keys: list[str], random: Random, since: datetime) -> Iterator[str]:
    step = min(_OPENING_SPAN / ledger.items, timedelta(seconds=1))
    for item, key in enumerate(keys):
        quantity = 12 + int(random.random() * 48)
        ledger.quantities[item] = quantity
        yield f"{key}\t{quantity}\tin\tOpening delivery\t{since + item * step}\n"


def _days(count: int, begins: datetime, ends: datetime) -> list[_Day]:
    """Spread movements over the opening hours of the days, the busier day the more."""
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


def _movements(ledger: Ledger, keys: list[str], random: Random, day: _Day) -> Iterator[str]:
    draw = random.random
    quantities, range_size, locations = ledger.quantities, ledger.range_size, ledger.locations
    weekday = day.begins.weekday()
    delivered, wasted, taken, returned = accumulate(
        part[weekday] for part in (_DELIVERIES, _WASTE, _STOCK_TAKES, _RETURNS)
    )
    date = f"{day.begins:%Y-%m-%d} "
    midnight = day.begins.replace(hour=0, minute=0, second=0, microsecond=0)
    first = (day.begins - midnight) / _MICROSECOND
    step = (day.ends - day.begins) / _MICROSECOND / max(1, day.count)
    for number in range(day.count):
        # Some shops are larger than others, and some products sell better, as the powers say.
        item = int(locations * draw() ** 1.2) * range_size + int(range_size * draw() ** 1.5)
        on_hand = quantities[item]
        kind = draw()
        size = draw()
        if kind >= returned:
            words, net = "out\tSale", -(1 + int(4 * size * size))
        elif kind < delivered:
            words, net = "in\tDelivery", 6 + int(18 * size)
        elif kind < wasted:
            words, net = "waste\tExpired", -(1 + int(3 * size))
        elif kind < taken:
            words, net = "adjustment\tStock-take", (-3, -2, -1, -1, 1, 2)[int(6 * size)]
        else:
            words, net = "out\tCustomer return", 1
        if on_hand + net < 0:
            words, net = "in\tDelivery", 12 + int(24 * size)
        quantities[item] = on_hand + net
        quantity = -net if words[0] in "ow" else net
        moment = int(first + (number + draw()) * step)
        seconds, micros = divmod(moment, 1_000_000)
        yield f"{keys[item]}\t{quantity}\t{words}\t{date}{_CLOCK[seconds]}.{micros:06}\n"
