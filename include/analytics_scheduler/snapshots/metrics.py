"""The figures of a snapshot, declared once.

INSERT, UPDATE, comparison, revisions, cache, endpoints, CSV, demo and README's table take their
lists from here. To add a figure: a migration that adds its column, a line here, and its expression
in `compose.sql`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from analytics_scheduler.vocabulary import Unit

_NUMERIC = re.compile(r"numeric\((\d+),(\d+)\)")
_INTEGER_BITS = {"smallint": 16, "integer": 32, "bigint": 64}


@dataclass(frozen=True, slots=True)
class Metric:
    """A column of `analytics_snapshots`: its SQL type, its unit and what it means.

    `is_additive` says whether the figure of a week or month is the sum of its days' figures. The
    OpenAPI document shows `example`.
    """

    name: str
    sql_type: str
    unit: Unit
    meaning: str
    is_additive: bool
    example: float

    @property
    def largest(self) -> Decimal:
        """The largest number that the column holds; an unknown type raises ValueError."""
        if self.sql_type in _INTEGER_BITS:
            return Decimal(2 ** (_INTEGER_BITS[self.sql_type] - 1) - 1)
        match = _NUMERIC.fullmatch(self.sql_type)
        if match is None:
            raise ValueError(
                f"The SQL type of {self.name} must be one of {', '.join(_INTEGER_BITS)} or have "
                f"the form numeric(12,2), got {self.sql_type!r}."
            )
        precision, scale = int(match[1]), int(match[2])
        return Decimal(10**precision - 1).scaleb(-scale)


METRICS = (
    Metric(
        "total_inventory_value",
        "numeric(12,2)",
        Unit.MONEY,
        "stock at the period's end, at cost",
        is_additive=False,
        example=12840.5,
    ),
    Metric(
        "total_items",
        "integer",
        Unit.PIECES,
        "stock at the period's end",
        is_additive=False,
        example=913,
    ),
    Metric(
        "turnover_ratio",
        "numeric(8,2)",
        Unit.RATIO,
        "cost of goods sold divided by the average of opening and closing inventory value",
        is_additive=False,
        example=0.03,
    ),
    Metric(
        "wastage_value",
        "numeric(12,2)",
        Unit.MONEY,
        "goods thrown away, at cost",
        is_additive=True,
        example=12.4,
    ),
    Metric(
        "wastage_percentage",
        "numeric(5,2)",
        Unit.PERCENT,
        "wastage value as a share of everything that left the stock, at cost",
        is_additive=False,
        example=3.1,
    ),
    Metric(
        "revenue",
        "numeric(12,2)",
        Unit.MONEY,
        "goods sold, at price",
        is_additive=True,
        example=702.0,
    ),
    Metric(
        "cost_of_goods_sold",
        "numeric(12,2)",
        Unit.MONEY,
        "goods sold and thrown away, at cost; without waste if `COGS_INCLUDES_WASTE=false`",
        is_additive=True,
        example=400.0,
    ),
)
NAMES = tuple(metric.name for metric in METRICS)


def largest(name: str) -> Decimal:
    """Return the largest number that the column of a figure holds."""
    return next(metric.largest for metric in METRICS if metric.name == name)


def overflow(alias: str) -> str:
    """Return the condition that an amount of money or pieces does not fit its column."""
    return " OR ".join(
        _is_too_large(metric, alias) for metric in METRICS if not metric.unit.is_quotient
    )


def fitting(alias: str) -> str:
    """Return the figures as a list of columns in which a quotient that does not fit is NULL."""
    return ", ".join(
        f"CASE WHEN NOT ({_is_too_large(metric, alias)}) THEN {alias}.{metric.name} END "
        f"AS {metric.name}"
        if metric.unit.is_quotient
        else f"{alias}.{metric.name}"
        for metric in METRICS
    )


def emptied(alias: str) -> str:
    """Return the array of the names of the quotients that do not fit their columns."""
    names = ", ".join(
        f"CASE WHEN {_is_too_large(metric, alias)} THEN '{metric.name}' END"
        for metric in METRICS
        if metric.unit.is_quotient
    )
    return f"array_remove(ARRAY[{names}]::text[], NULL)"


def _is_too_large(metric: Metric, alias: str) -> str:
    return f"abs({alias}.{metric.name}) > {metric.largest}"


def columns(alias: str = "", *, as_text: bool = False) -> str:
    """Return the figures as a list of columns for a statement, of one table if it is named.

    With `as_text` each is cast to text and keeps its name: JSON then holds exact decimals.
    """
    prefix = f"{alias}." if alias else ""
    cast = "{0}{1}::text AS {1}" if as_text else "{0}{1}"
    return ", ".join(cast.format(prefix, name) for name in NAMES)
