"""Make or upgrade the package's tables; safe to repeat, one migrator at a time."""

from __future__ import annotations

import argparse

from analytics_scheduler.output import Output

HELP = "apply the migrations"


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """Take no arguments of its own."""


def run(_arguments: argparse.Namespace, output: Output) -> int:
    """Apply the missing migrations and say which."""
    from analytics_scheduler.database import connected
    from analytics_scheduler.migrations import migrate, wanted_version
    from analytics_scheduler.settings import DatabaseSettings

    settings = DatabaseSettings.load()
    with connected(settings) as connection:
        report = migrate(connection, settings)
    for name in report.applied:
        output.line(f"applied {name}")
    adopted = f", {report.adopted_rows} earlier rows kept" if report.adopted_rows else ""
    output.line(f"Schema {settings.analytics_schema} is at version {report.version}{adopted}.")
    if report.version > wanted_version():
        output.line(
            f"A newer version of the package made it; this one needs {wanted_version()}, and works "
            "with it."
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
