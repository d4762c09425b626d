"""The source while it is checked: its catalog, and queries with a time limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import psycopg
from psycopg.rows import dict_row

from analytics_scheduler.database import refusal
from analytics_scheduler.output import counted
from analytics_scheduler.queries import Queries
from analytics_scheduler.source.catalog import (
    FoundColumn,
    Relation,
    read_columns,
    read_relations,
)
from analytics_scheduler.source.contract import CONTRACT, RELATIONS, complete_relations
from analytics_scheduler.source.findings import Finding, error, note, sql_name


@dataclass(frozen=True, slots=True)
class CheckedSource:
    """The source, the user who reads it, and what the catalog says.

    `columns` are those of the contract, in its order. `readable` names the relations of which every
    column of the contract can be read, so that checks may query them.
    """

    queries: Queries
    user: str
    columns: tuple[FoundColumn, ...]
    relations: Mapping[str, Relation]
    readable: frozenset[str]
    seconds_per_check: int

    @classmethod
    def from_catalog(cls, queries: Queries, *, seconds_per_check: int) -> Self:
        """Read the catalog; no table of the source is touched."""
        columns = read_columns(queries, [(column.relation, column.name) for column in CONTRACT])
        relations = read_relations(queries, RELATIONS)
        return cls(
            queries=queries,
            user=queries.value("read_current_user"),
            columns=tuple(columns),
            relations={relation.relation_name: relation for relation in relations},
            readable=complete_relations(columns),
            seconds_per_check=seconds_per_check,
        )

    @property
    def schema(self) -> str:
        """The schema of the source."""
        return self.queries.settings.source_schema

    def name(self, relation: str) -> str:
        """Return a relation's name with its schema, for people."""
        return f"{self.schema}.{relation}"

    def without_failing_views(self) -> tuple[Self, list[Finding]]:
        """Return the source without the views that fail when they are read, and why they do."""
        findings = {
            name: finding
            for name in sorted(self.readable)
            if self.relations[name].can_fail
            for finding in self._probe(self.relations[name])
        }
        return replace(self, readable=self.readable - set(findings)), list(findings.values())

    def _probe(self, relation: Relation) -> Iterator[Finding]:
        columns = [c.name for c in CONTRACT if c.relation == relation.relation_name]
        try:
            with self.queries.connection.transaction(force_rollback=True):
                self.queries.run(
                    "probe_relation", parts=self.identifiers(relation.relation_name, columns)
                )
        except psycopg.Error as problem:
            if self.queries.connection.closed:
                raise
            name = self.name(relation.relation_name)
            yield error(
                f"The {relation.kind} {name} cannot be read: {refusal(problem)}.",
                "Every run would fail.",
                f"Repair {name}. The owner of a view needs SELECT on everything that it reads.",
            )

    @staticmethod
    def identifiers(relation: str, columns: list[str]) -> dict[str, str]:
        """Return the parts of a statement that names one relation and some of its columns."""
        return {"relation": sql_name(relation), "columns": ", ".join(map(sql_name, columns))}

    def rows(
        self, name: str, *, parts: Mapping[str, str] | None = None, **parameters: Any
    ) -> list[dict[str, Any]] | None:
        """Return the rows of a check's statement, or None if it took too long."""
        try:
            with self.queries.connection.transaction(force_rollback=True):
                self.queries.run("limit_check", timeout=f"{self.seconds_per_check}s")
                return self.queries.run(
                    name, parts=parts, row_factory=dict_row, **parameters
                ).fetchall()
        except psycopg.errors.QueryCanceled:
            return None

    def unfinished(self, what: str, relation: str) -> Finding:
        """Return the note that a check of a relation took too long."""
        rows = self.relations[relation].estimated_rows
        size = f" (about {counted(rows, 'row')})" if rows > 0 else ""
        seconds = counted(self.seconds_per_check, "second")
        return note(
            f"Could not check {what}: reading {self.name(relation)}{size} took longer than "
            f"{seconds}.",
            "If there is a problem, the runs that meet it report it.",
        )
