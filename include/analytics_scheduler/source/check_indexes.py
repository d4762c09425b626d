"""Prove what must be unique in the source, and the indexes that keep runs fast."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg import sql
from psycopg.rows import class_row

from analytics_scheduler.database import statement
from analytics_scheduler.source.catalog import Source
from analytics_scheduler.source.findings import (
    Finding,
    error,
    how_many,
    note,
    quoted,
    warning,
)

_UNIQUE = (
    ("locations", ("id",)),
    ("products", ("id",)),
    ("inventory_items", ("product_id", "location_id")),
)
_USEFUL = (
    (
        ("created_at",),
        "Without it every daily run reads the whole ledger instead of the last days.",
    ),
    (
        ("location_id", "created_at"),
        "Without it the repair or retry of one location reads the movements of all.",
    ),
)


@dataclass(frozen=True, slots=True)
class Index:
    """A usable index: whole, valid, on plain columns."""

    relation_name: str
    is_unique: bool
    column_names: list[str]


def read_indexes(source: Source, relations: Sequence[str]) -> list[Index]:
    """Return the usable indexes of the named relations."""
    with source.connection.cursor(row_factory=class_row(Index)) as cursor:
        return cursor.execute(
            statement("read_indexes", source.settings),
            {"schema": source.settings.source_schema, "relations": list(relations)},
        ).fetchall()


def uniqueness_findings(source: Source) -> Iterator[Finding]:
    """Give a finding for each key that is not unique, or that nothing keeps unique."""
    indexes = read_indexes(source, [relation for relation, _ in _UNIQUE])
    for relation, columns in _UNIQUE:
        keeps_unique = any(
            index.is_unique
            and index.relation_name == relation
            and set(index.column_names) <= set(columns)
            for index in indexes
        )
        if relation in source.readable and not keeps_unique:
            yield from _repeated_keys(source, relation, columns)


def _repeated_keys(source: Source, relation: str, columns: tuple[str, ...]) -> Iterator[Finding]:
    quoted = source.relations[relation]
    key = f"{source.name(relation)} ({', '.join(columns)})"
    question = statement(
        "count_repeated_keys",
        source.settings,
        relation=sql.Identifier(relation),
        columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
    )
    rows = source.answer(question)
    index = _create_index(source, relation, columns, unique=True)
    if rows is None:
        yield source.not_looked_at(f"whether {key} is unique", relation)
    elif rows[0]["repeated_keys"]:
        yield error(
            f"{how_many(rows[0]['repeated_keys'], 'key')} of {key} stand in more than one row.",
            "What stands twice is counted twice.",
            f"Remove the repeated rows, then: {index}"
            if quoted.can_have_indexes
            else f"Let the {quoted.kind} {source.name(relation)} give each key once.",
        )
    elif quoted.can_have_indexes:
        yield warning(
            f"Nothing keeps {key} unique; today it is.",
            "A row that is entered twice would be counted twice.",
            index,
        )


def useful_index_findings(source: Source) -> Iterator[Finding]:
    """Give a finding for each index on the ledger that would spare a run work."""
    movements = source.relations.get("stock_movements")
    if movements is None:
        return
    name = source.name("stock_movements")
    if not movements.can_have_indexes:
        yield note(
            f"{name} is a {movements.kind}: its indexes cannot be seen from here.",
            "Runs are fast only where the table below it has these indexes.",
            " ".join(f"CREATE INDEX CONCURRENTLY ON ... ({', '.join(c)});" for c, _ in _USEFUL),
        )
        return
    indexes = read_indexes(source, ["stock_movements"])
    for columns, why in _USEFUL:
        if not any(tuple(index.column_names[: len(columns)]) == columns for index in indexes):
            yield warning(
                f"{name} has no index that begins with ({', '.join(columns)}).",
                why,
                _create_index(source, "stock_movements", columns),
            )


def _create_index(
    source: Source, relation: str, columns: tuple[str, ...], *, unique: bool = False
) -> str:
    table = quoted(source.settings.source_schema, relation)
    return (
        f"CREATE {'UNIQUE ' if unique else ''}INDEX{source.relations[relation].concurrently} "
        f"ON {table} ({', '.join(columns)});"
    )
