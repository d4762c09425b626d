"""The source as the proof looks at it: its relations, and questions with a time limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import psycopg
from psycopg import Connection, sql
from psycopg.rows import class_row, dict_row

from analytics_scheduler.database import refusal, statement
from analytics_scheduler.settings import DatabaseSettings
from analytics_scheduler.source.contract import CONTRACT, RELATIONS
from analytics_scheduler.source.findings import Finding, error, note
from analytics_scheduler.source.shape import FoundColumn, read_columns, whole_relations

_KINDS = {
    "r": "table",
    "p": "partitioned table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
}


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation of the source that exists."""

    relation_name: str
    relation_kind: str
    estimated_rows: int
    hides_rows: bool

    @property
    def kind(self) -> str:
        """What it is, in words."""
        return _KINDS[self.relation_kind]

    @property
    def is_table(self) -> bool:
        """Whether a foreign key can point at it."""
        return self.relation_kind in {"r", "p"}

    @property
    def can_have_indexes(self) -> bool:
        """Whether it holds its rows itself, in this database."""
        return self.relation_kind in {"r", "p", "m"}

    @property
    def concurrently(self) -> str:
        """The word that spares writers the wait for an index; partitioned tables lack it."""
        return "" if self.relation_kind == "p" else " CONCURRENTLY"


@dataclass(frozen=True, slots=True)
class Source:
    """The source, the user that looks at it, and what the catalog says of it."""

    connection: Connection[Any]
    settings: DatabaseSettings
    user: str
    columns: tuple[FoundColumn, ...]
    relations: Mapping[str, Relation]
    readable: frozenset[str]
    """The relations whose every column can be counted on."""
    question_seconds: int

    @classmethod
    def look(
        cls, connection: Connection[Any], settings: DatabaseSettings, *, question_seconds: int
    ) -> Self:
        """Read the catalog and return what it says."""
        columns = tuple(read_columns(connection, settings))
        with connection.cursor(row_factory=class_row(Relation)) as cursor:
            relations = cursor.execute(
                statement("read_relations", settings),
                {"schema": settings.source_schema, "relations": list(RELATIONS)},
            ).fetchall()
        return cls(
            connection=connection,
            settings=settings,
            user=_current_user(connection),
            columns=columns,
            relations={relation.relation_name: relation for relation in relations},
            readable=whole_relations(columns, settings),
            question_seconds=question_seconds,
        )

    def name(self, relation: str) -> str:
        """Return a relation's name with its schema, for people."""
        return f"{self.settings.source_schema}.{relation}"

    def without_unreadable(self) -> tuple[Self, list[Finding]]:
        """Return the source less the views that refuse to be read, and why they do."""
        findings = {
            name: finding
            for name in sorted(self.readable)
            if self.relations[name].relation_kind in {"v", "m", "f"}
            for finding in self._probe(self.relations[name])
        }
        return replace(self, readable=self.readable - set(findings)), list(findings.values())

    def _probe(self, relation: Relation) -> Iterator[Finding]:
        names = [c.name for c in CONTRACT if c.relation == relation.relation_name]
        probe = statement(
            "probe_relation",
            self.settings,
            relation=sql.Identifier(relation.relation_name),
            columns=sql.SQL(", ").join(map(sql.Identifier, names)),
        )
        try:
            with self.connection.transaction(force_rollback=True):
                self.connection.execute(probe)
        except psycopg.Error as problem:
            if self.connection.closed:
                raise
            name = self.name(relation.relation_name)
            yield error(
                f"The {relation.kind} {name} cannot be read: {refusal(problem)}.",
                "Every run would stop here.",
                f"Repair {name}; a view's owner needs SELECT on all that it reads.",
            )

    def answer(
        self, question: sql.Composed, parameters: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]] | None:
        """Return the rows that answer a question, or None where it takes too long."""
        try:
            with (
                self.connection.transaction(force_rollback=True),
                self.connection.cursor(row_factory=dict_row) as cursor,
            ):
                cursor.execute(
                    "SELECT set_config('statement_timeout', %s, true)",
                    (f"{self.question_seconds}s",),
                )
                return cursor.execute(question, parameters).fetchall()
        except psycopg.errors.QueryCanceled:
            return None

    def not_looked_at(self, what: str, relation: str) -> Finding:
        """Return the note that a question about a relation took too long."""
        rows = self.relations[relation].estimated_rows
        size = f", which has about {rows:,} rows" if rows > 0 else ""
        return note(
            f"It was not proven {what}: after {self.question_seconds} seconds reading "
            f"{self.name(relation)}{size}, the question was given up.",
            "Whatever is wrong there is reported by the runs that meet it.",
        )


def _current_user(connection: Connection[Any]) -> str:
    row = connection.execute("SELECT current_user::text").fetchone()
    return str(row[0]) if row else ""
