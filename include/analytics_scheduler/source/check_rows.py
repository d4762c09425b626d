"""Look for rows of the source that no figure can be computed from."""

from __future__ import annotations

from collections.abc import Iterator

from analytics_scheduler.database import statement
from analytics_scheduler.source.catalog import Source
from analytics_scheduler.source.contract import MOVEMENT_TYPES
from analytics_scheduler.source.findings import (
    Finding,
    Level,
    error,
    how_many,
    quoted,
    warning,
)

_LEFT_OUT = "Locations with such rows are left out of the run that meets them."
_INVISIBLE = "No figure counts such rows."
_SHOWN_TYPES = 10
# What is counted, how much it matters, what it is called, why it matters, and how to find it.
_COUNTS = {
    "products": (
        ("null_cost", Level.ERROR, "no cost", _LEFT_OUT, "cost IS NULL"),
        ("null_price", Level.ERROR, "no price", _LEFT_OUT, "price IS NULL"),
        (
            "uneven_cost",
            Level.ERROR,
            "a cost that is no whole number of cents",
            _LEFT_OUT,
            "cost <> round(cost, 2) OR cost::text IN ('NaN', 'Infinity', '-Infinity')",
        ),
        (
            "uneven_price",
            Level.ERROR,
            "a price that is no whole number of cents",
            _LEFT_OUT,
            "price <> round(price, 2) OR price::text IN ('NaN', 'Infinity', '-Infinity')",
        ),
    ),
    "inventory_items": (
        ("null_quantity", Level.ERROR, "no quantity", _LEFT_OUT, "quantity IS NULL"),
        ("unknown_product", Level.ERROR, "an unknown product", _LEFT_OUT, "product_id"),
        ("unknown_location", Level.WARNING, "an unknown location", _INVISIBLE, "location_id"),
    ),
    "stock_movements": (
        ("null_quantity", Level.ERROR, "no quantity", _LEFT_OUT, "quantity IS NULL"),
        ("unknown_product", Level.ERROR, "an unknown product", _LEFT_OUT, "product_id"),
        ("unknown_location", Level.WARNING, "an unknown location", _INVISIBLE, "location_id"),
        ("null_created_at", Level.WARNING, "no created_at", _INVISIBLE, "created_at IS NULL"),
        (
            "future_created_at",
            Level.WARNING,
            "a created_at in the future",
            "A timestamp without a zone must be UTC; local times move movements to other days.",
            "created_at > now() + INTERVAL '10 minutes'",
        ),
    ),
}
_NOUNS = {
    "products": "product",
    "inventory_items": "row of stock",
    "stock_movements": "movement",
}
_QUESTIONS = {
    "products": ("count_broken_products", {"products"}),
    "inventory_items": (
        "count_broken_stock",
        {"inventory_items", "products", "locations"},
    ),
    "stock_movements": (
        "count_broken_movements",
        {"stock_movements", "products", "locations"},
    ),
}


def location_findings(source: Source) -> Iterator[Finding]:
    """Give a warning where there is no location to write a snapshot for."""
    if "locations" not in source.readable:
        return
    rows = source.answer(statement("count_source_locations", source.settings))
    if rows is not None and not rows[0]["active_locations"]:
        yield warning(
            f"{source.name('locations')} has {how_many(rows[0]['all_locations'], 'row')}, and no "
            "active location.",
            "Runs write a snapshot for each active location: there is none to write.",
            _find_rows(source, "locations", "is_active IS NOT TRUE"),
        )


def row_findings(source: Source) -> Iterator[Finding]:
    """Give a finding for each kind of row that no figure can be computed from, with a count."""
    for relation, (question, needed) in _QUESTIONS.items():
        if not needed <= source.readable:
            continue
        rows = source.answer(statement(question, source.settings))
        if rows is None:
            yield source.not_looked_at("that every row can be counted", relation)
            continue
        for name, level, words, why, condition in _COUNTS[relation]:
            if rows[0][name]:
                yield Finding(
                    level,
                    f"{how_many(rows[0][name], _NOUNS[relation])} in {source.name(relation)} "
                    f"with {words}.",
                    why,
                    _find_rows(source, relation, condition),
                )


def type_findings(source: Source) -> Iterator[Finding]:
    """Give a finding where the ledger has types of movement that no figure knows."""
    if "stock_movements" not in source.readable:
        return
    rows = source.answer(statement("count_unknown_types", source.settings), {"shown": _SHOWN_TYPES})
    if rows is None:
        yield source.not_looked_at("that every type is known", "stock_movements")
    elif rows:
        named = ", ".join(f"{row['type_name']!r} ({row['movements']:,})" for row in rows)
        more = rows[0]["all_types"] - len(rows)
        yield error(
            f"{source.name('stock_movements')} has movements of unknown types: {named}"
            f"{f' and {more} more types' if more else ''}.",
            f"{_LEFT_OUT} Known are {', '.join(MOVEMENT_TYPES)}, written so.",
            _find_rows(
                source,
                "stock_movements",
                f"type IS NULL OR type::text NOT IN {MOVEMENT_TYPES}",
            ),
        )


def _find_rows(source: Source, relation: str, condition: str) -> str:
    table = quoted(source.settings.source_schema, relation)
    if condition in {"product_id", "location_id"}:
        known = quoted(source.settings.source_schema, f"{condition.removesuffix('_id')}s")
        condition = f"NOT EXISTS (SELECT FROM {known} AS k WHERE k.id = t.{condition})"
    return f"SELECT * FROM {table} AS t WHERE {condition};"  # noqa: S608 - shown, never run
