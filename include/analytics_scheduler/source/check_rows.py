"""Check for rows of the source that figures cannot be computed from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from analytics_scheduler.output import counted
from analytics_scheduler.source.checked_source import CheckedSource
from analytics_scheduler.source.findings import Finding, error, sql_name, warning
from analytics_scheduler.vocabulary import CheckLevel, MovementType

_LEFT_OUT = "A run leaves out the locations with such rows."
_NOT_COUNTED = "No figure includes such rows."
_TYPES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class RowProblem:
    """A kind of bad row: the column of the statement that counts it, and how to find it.

    `{source}` in the condition stands for the source schema; `t` is the relation.
    """

    column: str
    level: CheckLevel
    description: str
    why: str
    condition: str


@dataclass(frozen=True, slots=True)
class RowCheck:
    """A relation, the statement that counts its bad rows, and the relations that this one reads."""

    relation: str
    statement: str
    reads: frozenset[str]
    noun: str
    problems: tuple[RowProblem, ...]


_STOCK_AND_MOVEMENTS = (
    RowProblem(
        "null_quantity", CheckLevel.ERROR, "without a quantity", _LEFT_OUT, "quantity IS NULL"
    ),
    RowProblem(
        "uneven_quantity",
        CheckLevel.ERROR,
        "with a quantity that is too large or has more than three decimals",
        _LEFT_OUT,
        "NOT (abs(quantity) < 1e12 AND quantity = round(quantity, 3))",
    ),
    RowProblem(
        "unknown_product",
        CheckLevel.ERROR,
        "with an unknown product",
        _LEFT_OUT,
        "NOT EXISTS (SELECT FROM {source}.products AS p WHERE p.id = t.product_id)",
    ),
    RowProblem(
        "unknown_location",
        CheckLevel.WARNING,
        "with an unknown location",
        _NOT_COUNTED,
        "NOT EXISTS (SELECT FROM {source}.locations AS l WHERE l.id = t.location_id)",
    ),
)
_CHECKS = (
    RowCheck(
        "products",
        "count_broken_products",
        frozenset({"products"}),
        "product",
        (
            RowProblem("null_cost", CheckLevel.ERROR, "without a cost", _LEFT_OUT, "cost IS NULL"),
            RowProblem(
                "null_price", CheckLevel.ERROR, "without a price", _LEFT_OUT, "price IS NULL"
            ),
            RowProblem(
                "uneven_cost",
                CheckLevel.ERROR,
                "with a cost that is too large or has more than four decimals",
                _LEFT_OUT,
                "NOT (abs(cost) < 1e11 AND cost = round(cost, 4))",
            ),
            RowProblem(
                "uneven_price",
                CheckLevel.ERROR,
                "with a price that is too large or has more than four decimals",
                _LEFT_OUT,
                "NOT (abs(price) < 1e11 AND price = round(price, 4))",
            ),
        ),
    ),
    RowCheck(
        "inventory_items",
        "count_broken_stock",
        frozenset({"inventory_items", "products", "locations"}),
        "stock row",
        _STOCK_AND_MOVEMENTS,
    ),
    RowCheck(
        "stock_movements",
        "count_broken_movements",
        frozenset({"stock_movements", "products", "locations"}),
        "movement",
        (
            *_STOCK_AND_MOVEMENTS,
            RowProblem(
                "null_created_at",
                CheckLevel.WARNING,
                "without created_at",
                _NOT_COUNTED,
                "created_at IS NULL",
            ),
            RowProblem(
                "future_created_at",
                CheckLevel.WARNING,
                "with created_at in the future",
                "A timestamp without a time zone must be in UTC; local time puts movements on the "
                "wrong day.",
                "created_at > now() + INTERVAL '10 minutes'",
            ),
        ),
    ),
)


def check_active_locations(source: CheckedSource) -> Iterator[Finding]:
    """Yield a warning if there is no location to write a snapshot for."""
    if "locations" not in source.readable:
        return
    rows = source.rows("count_source_locations")
    if rows is not None and not rows[0]["active_locations"]:
        yield warning(
            f"{source.name('locations')} has {counted(rows[0]['all_locations'], 'row')}, but no "
            "active location.",
            "A run writes a snapshot for each active location, so there is nothing to write.",
            _select(source, "locations", "is_active IS NOT TRUE"),
        )


def check_rows(source: CheckedSource) -> Iterator[Finding]:
    """Yield a finding for each kind of row that figures cannot be computed from, with a count."""
    for check in _CHECKS:
        if not check.reads <= source.readable:
            continue
        rows = source.rows(check.statement)
        if rows is None:
            yield source.unfinished("that every row can be counted", check.relation)
            continue
        for problem in check.problems:
            count = rows[0][problem.column]
            if count:
                yield Finding(
                    problem.level,
                    f"{source.name(check.relation)} has "
                    f"{counted(count, check.noun)} {problem.description}.",
                    problem.why,
                    _select(source, check.relation, problem.condition),
                )


def check_movement_types(source: CheckedSource) -> Iterator[Finding]:
    """Yield an error if the movements have types that no figure knows."""
    if "stock_movements" not in source.readable:
        return
    known = MovementType.words()
    rows = source.rows("count_unknown_types", known=known, size=_TYPES_SHOWN)
    if rows is None:
        yield source.unfinished("that every movement type is known", "stock_movements")
    elif rows:
        shown = ", ".join(f"{_literal(row['type_name'])} ({row['movements']:,})" for row in rows)
        more = rows[0]["all_types"] - len(rows)
        rest = f" and {counted(more, 'more type')}" if more else ""
        yield error(
            f"{source.name('stock_movements')} has movements of unknown types: {shown}{rest}.",
            f"{_LEFT_OUT} The known types are {', '.join(known)}, in lower case.",
            _select(
                source,
                "stock_movements",
                f"type IS NULL OR type::text NOT IN ({', '.join(map(_literal, known))})",
            ),
        )


def _literal(text: str | None) -> str:
    return "NULL" if text is None else "'" + text.replace("'", "''") + "'"


def _select(source: CheckedSource, relation: str, condition: str) -> str:
    table = sql_name(source.schema, relation)
    where = condition.replace("{source}", sql_name(source.schema))
    return f"SELECT * FROM {table} AS t WHERE {where};"  # noqa: S608 - shown, never run
