"""The figures of a snapshot, declared once.

INSERT, UPDATE, comparison, revisions, cache, endpoints, CSV, demo and README's table take their
lists from here. To add a figure: a migration that adds its column, a line here, and its expression
in `compose.sql`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

_NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")
_LARGEST_INTEGER = Decimal(2**31 - 1)


@dataclass(frozen=True, slots=True)
class Metric:
    """A column of `analytics_snapshots`: its SQL type, its unit and what it means.

    `is_additive` says whether the figure of a week or month is the sum of its days' figures.
    """

    name: str
    sql_type: str
    unit: str
    meaning: str
    is_additive: bool

    @property
    def largest(self) -> Decimal:
        """The largest number that the column holds."""
        match = _NUMERIC.fullmatch(self.sql_type)
        if match is None:
            return _LARGEST_INTEGER
        precision, scale = int(match[1]), int(match[2])
        return Decimal(10**precision - 1).scaleb(-scale)


METRICS = (
    Metric(
        "total_inventory_value",
        "numeric(12,2)",
        "money",
        "stock at the period's end, at cost",
        is_additive=False,
    ),
    Metric(
        "total_items",
        "integer",
        "pieces",
        "stock at the period's end",
        is_additive=False,
    ),
    Metric(
        "turnover_ratio",
        "numeric(8,2)",
        "ratio",
        "cost of goods sold divided by the average of opening and closing inventory value",
        is_additive=False,
    ),
    Metric(
        "wastage_value",
        "numeric(12,2)",
        "money",
        "goods thrown away, at cost",
        is_additive=True,
    ),
    Metric(
        "wastage_percentage",
        "numeric(5,2)",
        "percent",
        "wastage value as a share of everything that left the stock, at cost",
        is_additive=False,
    ),
    Metric(
        "revenue",
        "numeric(12,2)",
        "money",
        "goods sold, at price",
        is_additive=True,
    ),
    Metric(
        "cost_of_goods_sold",
        "numeric(12,2)",
        "money",
        "goods sold and thrown away, at cost; without waste if `COGS_INCLUDES_WASTE=false`",
        is_additive=True,
    ),
)
NAMES = tuple(metric.name for metric in METRICS)


def largest(unit: str) -> Decimal:
    """Return the largest number that every column of a unit holds."""
    return min(metric.largest for metric in METRICS if metric.unit == unit)


def overflow(alias: str) -> str:
    """Return the condition that an amount of money or pieces does not fit its column.

    Ratios are left out: one that does not fit is stored as NULL, with a warning.
    """
    return " OR ".join(
        f"abs({alias}.{metric.name}) > {metric.largest}"
        for metric in METRICS
        if metric.unit in {"money", "pieces"}
    )


def columns(alias: str = "", *, as_text: bool = False) -> str:
    """Return the figures as a list of columns for a statement, of one table if it is named.

    With `as_text` each is cast to text and keeps its name: JSON then holds exact decimals.
    """
    prefix = f"{alias}." if alias else ""
    cast = "{0}{1}::text AS {1}" if as_text else "{0}{1}"
    return ", ".join(cast.format(prefix, name) for name in NAMES)
