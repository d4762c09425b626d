"""The shape of the source as the catalog knows it, read in one fast query."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

from analytics_scheduler.database import statement
from analytics_scheduler.errors import SchemaError
from analytics_scheduler.settings import DatabaseSettings
from analytics_scheduler.source.contract import CONTRACT, ContractColumn

_SHOWN_PROBLEMS = 3


@dataclass(frozen=True, slots=True)
class SourceShape:
    """What a run must know of the source before it reads it."""

    created_at_is_timestamptz: bool


@dataclass(frozen=True, slots=True)
class FoundColumn:
    """What the catalog says of one wanted column; None where the thing does not exist."""

    relation_name: str
    column_name: str
    schema_exists: bool
    schema_usable: bool
    relation_kind: str | None
    type_shown: str | None
    type_name: str | None
    type_category: str | None
    type_scale: int | None
    is_readable: bool

    @property
    def is_table(self) -> bool:
        """Whether the relation is a table, partitioned or not: it can have indexes."""
        return self.relation_kind in {"r", "p"}


@dataclass(frozen=True, slots=True)
class ShapeProblem:
    """One way in which the source does not keep the contract."""

    what: str
    column: ContractColumn
    cause: str
    """One of schema, usage, relation, column, type, privilege."""


def read_source_shape(connection: Connection[Any], settings: DatabaseSettings) -> SourceShape:
    """Return the shape of the source, or raise SchemaError where a run could not read it.

    One catalog query of a few milliseconds, for the start of every run. Columns that only
    describe are not asked for: no figure depends on them.
    """
    wanted = [column for column in CONTRACT if not column.only_describes]
    found = read_columns(connection, settings, wanted)
    problems = [problem.what for problem in shape_problems(found, settings, wanted)]
    if problems:
        more = len(problems) - _SHOWN_PROBLEMS
        rest = f" And {more} more." if more > 0 else ""
        raise SchemaError(
            f"{' '.join(problems[:_SHOWN_PROBLEMS])}{rest} Run analytics-scheduler check: it lists "
            "everything that is wrong with the source and what to run."
        )
    created_at = next(column for column in found if column.column_name == "created_at")
    return SourceShape(created_at_is_timestamptz=created_at.type_name == "timestamptz")


def read_columns(
    connection: Connection[Any],
    settings: DatabaseSettings,
    wanted: Sequence[ContractColumn] = CONTRACT,
) -> list[FoundColumn]:
    """Return what the catalog says of each wanted column, in the same order."""
    with connection.cursor(row_factory=class_row(FoundColumn)) as cursor:
        return cursor.execute(
            statement("read_source_shape", settings),
            {
                "schema": settings.source_schema,
                "relations": [column.relation for column in wanted],
                "columns": [column.name for column in wanted],
            },
        ).fetchall()


def shape_problems(
    found: Sequence[FoundColumn],
    settings: DatabaseSettings,
    wanted: Sequence[ContractColumn] = CONTRACT,
) -> list[ShapeProblem]:
    """Return what is wrong with the found columns: each thing once, the largest first."""
    partly = frozenset(column.relation_name for column in found if column.is_readable)
    pairs = zip(wanted, found, strict=True)
    return list(_each_once(pairs, settings.source_schema, partly_readable=partly))


def whole_relations(found: Sequence[FoundColumn], settings: DatabaseSettings) -> frozenset[str]:
    """Return the relations whose every column of the contract is there, right and readable."""
    broken = {
        column.relation
        for column, state in zip(CONTRACT, found, strict=True)
        if _problem(column, state, settings.source_schema) is not None
    }
    return frozenset(column.relation for column in CONTRACT) - broken


def _each_once(
    pairs: Iterator[tuple[ContractColumn, FoundColumn]],
    schema: str,
    *,
    partly_readable: frozenset[str],
) -> Iterator[ShapeProblem]:
    seen: set[str] = set()
    for column, found in pairs:
        problem = _problem(column, found, schema)
        if (
            problem is not None
            and problem.cause == "privilege"
            and column.relation not in partly_readable
        ):
            what = f"The user may not SELECT from {schema}.{column.relation}."
            problem = replace(problem, what=what)
        if problem is not None and problem.what not in seen:
            seen.add(problem.what)
            yield problem


def _problem(column: ContractColumn, found: FoundColumn, schema: str) -> ShapeProblem | None:
    relation = f"{schema}.{column.relation}"
    needed = f"the source contract needs {column.content.value}"
    if not found.schema_exists:
        what, cause = f"There is no schema {schema}, the source schema.", "schema"
    elif not found.schema_usable:
        what, cause = f"The user may not use the schema {schema}.", "usage"
    elif found.relation_kind is None:
        what, cause = f"There is no table or view {relation}.", "relation"
    elif found.type_name is None or found.type_category is None:
        what, cause = f"{relation} has no column {column.name}: {needed}.", "column"
    elif not column.content.accepts(found.type_name, found.type_category):
        what, cause = f"{relation}.{column.name} is {found.type_shown}: {needed}.", "type"
    elif not found.is_readable:
        what, cause = f"The user may not SELECT {relation}.{column.name}.", "privilege"
    else:
        return None
    return ShapeProblem(what, column, cause)
