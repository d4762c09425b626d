"""What the database's catalog says of the source: its relations, columns and indexes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from psycopg.rows import class_row

from analytics_scheduler.queries import Queries

_KINDS = {
    "r": "table",
    "p": "partitioned table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
}


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation of the source; `estimated_rows` is -1 if it was never analysed."""

    relation_name: str
    relation_kind: str
    estimated_rows: int
    hides_rows: bool

    @property
    def kind(self) -> str:
        """What it is, for a message."""
        return _KINDS[self.relation_kind]

    @property
    def is_table(self) -> bool:
        """Whether a foreign key can reference it."""
        return self.relation_kind in {"r", "p"}

    @property
    def can_fail(self) -> bool:
        """Whether reading it can fail although the user may read it."""
        return self.relation_kind in {"v", "m", "f"}

    @property
    def can_have_indexes(self) -> bool:
        """Whether it stores its rows itself, in this database."""
        return self.relation_kind in {"r", "p", "m"}

    @property
    def can_index_concurrently(self) -> bool:
        """Whether PostgreSQL can build an index on it without blocking writers."""
        return self.relation_kind != "p"


@dataclass(frozen=True, slots=True)
class FoundColumn:
    """What the catalog says of a wanted column; None stands for what does not exist.

    `type_shown` is the type as declared; `type_name`, `type_category` and `type_scale` are those of
    the type below a domain.
    """

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


@dataclass(frozen=True, slots=True)
class Index:
    """An index that the planner can use for every row: valid, not partial, on plain columns."""

    relation_name: str
    is_unique: bool
    column_names: list[str]


def read_columns(queries: Queries, wanted: Sequence[tuple[str, str]]) -> list[FoundColumn]:
    """Return what the catalog says of each pair of relation and column, in the same order."""
    return queries.run(
        "read_source_columns",
        row_factory=class_row(FoundColumn),
        schema=queries.settings.source_schema,
        relations=[relation for relation, _ in wanted],
        columns=[column for _, column in wanted],
    ).fetchall()


def read_relations(queries: Queries, names: Sequence[str]) -> list[Relation]:
    """Return those of the named relations that exist in the source schema, in the same order."""
    return queries.run(
        "read_relations",
        row_factory=class_row(Relation),
        schema=queries.settings.source_schema,
        relations=list(names),
    ).fetchall()


def read_indexes(queries: Queries, relations: Sequence[str]) -> list[Index]:
    """Return the usable indexes of the named relations of the source schema."""
    return queries.run(
        "read_indexes",
        row_factory=class_row(Index),
        schema=queries.settings.source_schema,
        relations=list(relations),
    ).fetchall()
