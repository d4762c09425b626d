"""Create or upgrade the package's tables. Safe to repeat: one migrator works at a time."""

from __future__ import annotations

import argparse

from analytics_scheduler.output import Output, counted

HELP = "create or upgrade the package's tables"


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Add nothing: the command has no arguments of its own."""


def run(_arguments: argparse.Namespace, output: Output) -> int:
    """Apply the missing migrations and print their names."""
    from analytics_scheduler.database import connected
    from analytics_scheduler.migrations import migrate, wanted_version
    from analytics_scheduler.queries import Queries
    from analytics_scheduler.settings import DatabaseSettings

    settings = DatabaseSettings.load()
    with connected(settings) as connection:
        report = migrate(Queries(connection, settings))
    for name in report.applied:
        output.line(f"applied {name}")
    adopted = f", {counted(report.adopted_rows, 'earlier row')} kept" if report.adopted_rows else ""
    output.line(f"Schema {settings.analytics_schema} is at version {report.version}{adopted}.")
    if report.version > wanted_version():
        output.line(
            f"A newer version of the package created it. This version needs {wanted_version()}, "
            "and works with it."
        )
    output.result(
        {
            "success": True,
            "applied": list(report.applied),
            "version": report.version,
            "adopted_rows": report.adopted_rows,
        }
    )
    return 0
