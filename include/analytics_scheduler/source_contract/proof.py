"""The whole proof of the source contract, in the order in which things depend on each other."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from analytics_scheduler.settings import DatabaseSettings
from analytics_scheduler.source_contract.data_proof import (
    location_findings,
    row_findings,
    type_findings,
)
from analytics_scheduler.source_contract.findings import Finding, Level
from analytics_scheduler.source_contract.index_proof import (
    uniqueness_findings,
    useful_index_findings,
)
from analytics_scheduler.source_contract.source import Source
from analytics_scheduler.source_contract.source_proof import (
    hidden_row_findings,
    scale_findings,
    shape_findings,
)
from analytics_scheduler.source_contract.target_proof import target_findings


def check_source(connection: Connection[Any], settings: DatabaseSettings) -> list[Finding]:
    """Return everything that the proof found, errors first; it changes nothing.

    Questions that read rows are given up after ten seconds each, with a note.
    """
    looked_at = Source.look(connection, settings)
    source, unreadable = looked_at.without_unreadable()
    findings = [
        *shape_findings(source),
        *unreadable,
        *hidden_row_findings(source),
        *target_findings(source),
        *uniqueness_findings(source),
        *location_findings(source),
        *row_findings(source),
        *type_findings(source),
        *useful_index_findings(source),
        *scale_findings(source),
    ]
    return sorted(findings, key=lambda finding: list(Level).index(finding.level))
