"""Prove the source contract: relations, columns, types, privileges, rows and indexes.

Every finding says what it is, why it matters and what to run. Nothing is changed.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

from analytics_scheduler.output import Output

if TYPE_CHECKING:
    from analytics_scheduler.source import Finding

HELP = "prove the source contract and say what to run"


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Take no arguments of its own."""


def run(_arguments: argparse.Namespace, output: Output) -> int:
    """Print the findings; the status is 1 where one of them is an error."""
    from analytics_scheduler.database import connected, server_name
    from analytics_scheduler.settings import DatabaseSettings
    from analytics_scheduler.source import Level, check_source

    settings = DatabaseSettings.load()
    with connected(settings) as connection:
        server = server_name(connection)
        findings = check_source(connection, settings)
    failed = any(finding.level is Level.ERROR for finding in findings)
    output.line(f"Connected to {server}.")
    output.line(
        f"Source schema {settings.source_schema}, analytics schema {settings.analytics_schema}."
    )
    for finding in findings:
        _show(finding, output)
    output.line()
    output.line(_verdict(findings, failed=failed))
    output.result(
        {
            "success": not failed,
            "database": server,
            "findings": [asdict(finding) for finding in findings],
        }
    )
    return 1 if failed else 0


def _show(finding: Finding, output: Output) -> None:
    output.line()
    output.line(f"{finding.level}: {finding.what}")
    output.line(f"    {finding.why}")
    if finding.run:
        output.line(f"    run: {finding.run}")


def _verdict(findings: list[Finding], *, failed: bool) -> str:
    counts = Counter(finding.level for finding in findings)
    parts = [f"{count} {level}{'' if count == 1 else 's'}" for level, count in counts.items()]
    verdict = "The source does not keep the contract" if failed else "The source keeps the contract"
    return f"{verdict}: {', '.join(parts) or 'nothing to say'}."
