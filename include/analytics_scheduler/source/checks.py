"""Every check of the `check` command, in the order in which they depend on each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg

from analytics_scheduler.database import refusal
from analytics_scheduler.queries import Queries
from analytics_scheduler.source.check_indexes import check_unique_keys, check_useful_indexes
from analytics_scheduler.source.check_relations import (
    check_hidden_rows,
    check_relations,
    check_scales,
)
from analytics_scheduler.source.check_rows import (
    check_active_locations,
    check_movement_types,
    check_rows,
)
from analytics_scheduler.source.check_target import check_target
from analytics_scheduler.source.checked_source import CheckedSource
from analytics_scheduler.source.findings import Finding, error
from analytics_scheduler.vocabulary import CheckLevel

_CHECKS: tuple[Callable[[CheckedSource], Iterator[Finding]], ...] = (
    check_hidden_rows,
    check_target,
    check_unique_keys,
    check_active_locations,
    check_rows,
    check_movement_types,
    check_useful_indexes,
    check_scales,
)


def check_source(queries: Queries, *, seconds_per_check: int = 10) -> list[Finding]:
    """Return everything that is wrong with the source or the package's tables, errors first.

    Nothing is changed. A check that reads rows ends after `seconds_per_check`, with a note.
    """
    catalog = CheckedSource.from_catalog(queries, seconds_per_check=seconds_per_check)
    source, unreadable = catalog.without_failing_views()
    findings = [*check_relations(source), *unreadable]
    for check in _CHECKS:
        findings += _with_failure(check(source), queries)
    levels = list(CheckLevel)
    return sorted(findings, key=lambda finding: levels.index(finding.level))


def _with_failure(findings: Iterator[Finding], queries: Queries) -> Iterator[Finding]:
    """Yield the findings, and an error if the database refuses what the check reads."""
    try:
        yield from findings
    except psycopg.Error as problem:
        if queries.connection.closed:
            raise
        yield error(
            f"Reading the source failed: {refusal(problem)}.",
            "A run that reads the same rows would fail in the same way.",
            "Repair the view or the rows that the message names.",
        )
