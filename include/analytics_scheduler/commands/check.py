"""Check the source tables and the package's tables, and say how to fix what is wrong.

Relations, columns, types, privileges, rows and indexes are checked; nothing is changed. Each
finding says what is wrong, why it matters, and what to run.
"""

from __future__ import annotations

import argparse
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

from analytics_scheduler.output import Output, counted

if TYPE_CHECKING:
    from analytics_scheduler.source import Finding

HELP = "check the source tables and say how to fix them"


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Add nothing: the command has no arguments of its own."""


def run(_arguments: argparse.Namespace, output: Output) -> int:
    """Print the findings; return 1 if one of them is an error."""
    from analytics_scheduler.database import connected, server_name
    from analytics_scheduler.queries import Queries
    from analytics_scheduler.settings import DatabaseSettings
    from analytics_scheduler.source import check_source
    from analytics_scheduler.vocabulary import CheckLevel

    settings = DatabaseSettings.load()
    with connected(settings) as connection:
        server = server_name(connection)
        findings = check_source(Queries(connection, settings))
    failed = any(finding.level is CheckLevel.ERROR for finding in findings)
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
    levels = Counter(finding.level.value for finding in findings)
    counts = ", ".join(counted(count, level) for level, count in levels.items())
    verdict = "The source breaks the contract" if failed else "The source keeps the contract"
    return f"{verdict}: {counts or 'no findings'}."
