"""Compute stored rows again from the movements, and name those that differ.

The exit status is 1 if figures are wrong: movements or stock changed since, or a row was edited. A
cost or price that changed since is counted apart and is not a failure: stored days keep theirs.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from analytics_scheduler.errors import SettingError
from analytics_scheduler.output import Output, counted

if TYPE_CHECKING:
    from analytics_scheduler.snapshots.verify import VerifyReport

HELP = "compute stored rows again and name those that differ"
_SHOWN = 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the size of a sample."""
    parser.add_argument(
        "--sample", type=int, metavar="N", help="verify N rows drawn at random instead of all rows"
    )


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Verify, print what differs, and return the exit status."""
    from analytics_scheduler.database import connected
    from analytics_scheduler.snapshots.context import RunSettings
    from analytics_scheduler.snapshots.verify import verify_snapshots

    if arguments.sample is not None and arguments.sample < 1:
        raise SettingError(f"--sample must be 1 or more, got {arguments.sample}.")
    settings = RunSettings.load()
    with connected(settings.database) as connection:
        report = verify_snapshots(
            connection,
            settings,
            sample=arguments.sample,
            progress=lambda so_far: output.progress(counted(so_far.rows, "row")),
        )
    output.progress_done()
    _print(output, report)
    return 1 if report.wrong else 0


def _print(output: Output, report: VerifyReport) -> None:
    counts = report.counts()
    for finding in report.wrong[:_SHOWN]:
        output.error_line(
            f"{finding.location}: {finding.period_type} {finding.first_day}: "
            f"{finding.finding.meaning}"
        )
    if len(report.wrong) > _SHOWN:
        output.error_line(f"and {len(report.wrong) - _SHOWN} more")
    right = report.rows - len(report.findings)
    output.line(f"{counted(report.rows, 'row')} computed again: {right} unchanged.")
    for finding_name, count in sorted(counts.items()):
        output.line(f"  {count}: {finding_name}")
    output.result(
        {
            "success": not report.wrong,
            "rows": report.rows,
            "same": right,
            "findings": counts,
            "wrong": [
                {
                    "location": finding.location,
                    "period": finding.period_type,
                    "first_day": str(finding.first_day),
                    "finding": finding.finding.meaning,
                }
                for finding in report.wrong
            ],
        }
    )
