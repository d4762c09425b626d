"""The whole proof of the source contract, in the order in which things depend on each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
from psycopg import Connection

from analytics_scheduler.database import refusal
from analytics_scheduler.settings import DatabaseSettings
from analytics_scheduler.source.catalog import Source
from analytics_scheduler.source.check_indexes import (
    uniqueness_findings,
    useful_index_findings,
)
from analytics_scheduler.source.check_relations import (
    hidden_row_findings,
    scale_findings,
    shape_findings,
)
from analytics_scheduler.source.check_rows import (
    location_findings,
    row_findings,
    type_findings,
)
from analytics_scheduler.source.check_target import target_findings
from analytics_scheduler.source.findings import Finding, Level, error


def check_source(
    connection: Connection[Any], settings: DatabaseSettings, *, question_seconds: int = 10
) -> list[Finding]:
    """Return everything that the proof found, errors first; it changes nothing.

    A question that reads rows is given up after so many seconds, with a note.
    """
    looked_at = Source.look(connection, settings, question_seconds=question_seconds)
    source, unreadable = looked_at.without_unreadable()
    found = [*shape_findings(source), *unreadable]
    for prove in _PROOFS:
        found += _unless_refused(prove(source), connection)
    return sorted(found, key=lambda finding: list(Level).index(finding.level))


_PROOFS: tuple[Callable[[Source], Iterator[Finding]], ...] = (
    hidden_row_findings,
    target_findings,
    uniqueness_findings,
    location_findings,
    row_findings,
    type_findings,
    useful_index_findings,
    scale_findings,
)


def _unless_refused(findings: Iterator[Finding], connection: Connection[Any]) -> Iterator[Finding]:
    """Give the findings, and one more where the database refuses to read what was asked."""
    try:
        yield from findings
    except psycopg.Error as problem:
        if connection.closed:
            raise
        yield error(
            f"The source cannot be read to its end: {refusal(problem)}.",
            "A run that reads the same rows would fail in the same way.",
            "Repair the view or the rows that the message names.",
        )
