"""Delete snapshots whose time is over, and what described them; safe to stop and to repeat."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from analytics_scheduler.output import Output

if TYPE_CHECKING:
    from analytics_scheduler.retention import KindReport, PruneReport

HELP = "delete snapshots older than the retention settings allow"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the choice to count only."""
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would go, and delete nothing"
    )


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Prune at the moment of now, and print what went of each kind."""
    from datetime import UTC, datetime

    from analytics_scheduler.alerts.delivery import send_waiting
    from analytics_scheduler.database import connected
    from analytics_scheduler.migrations import require_migrated
    from analytics_scheduler.queries import Queries
    from analytics_scheduler.retention import prune
    from analytics_scheduler.run_records import FinishedRun, finish_run
    from analytics_scheduler.settings import (
        CalendarSettings,
        DatabaseSettings,
        RetentionSettings,
        load_alert_settings,
    )

    settings = RetentionSettings.load()
    calendar = CalendarSettings.load().calendar()
    database = DatabaseSettings.load()
    alerts = load_alert_settings()
    started_at = datetime.now(UTC)
    with connected(database) as connection:
        require_migrated(Queries(connection, database))
        report = prune(
            connection, database, settings, calendar, moment=started_at, dry_run=arguments.dry_run
        )
        if not report.dry_run:
            run = FinishedRun(
                task="snapshot-retention",
                run_id=f"cli__{started_at.isoformat()}",
                outcome=report.outcome,
                started_at=started_at,
                report=report.as_dict(),
            )
            finish_run(Queries(connection, database), run, alerts)
    _print(report, output)
    if not report.dry_run:
        send_waiting(database, alerts)
    return 0


def _print(report: PruneReport, output: Output) -> None:
    output.line("Would delete:" if report.dry_run else "Deleted:")
    for entry in report.kinds:
        output.line(f"  {entry.kind:<14}{entry.gone:>10}{_remark(entry)}")
    for warning in report.warnings:
        output.warning(warning)
    output.result({"success": True, **report.as_dict()})


def _remark(entry: KindReport) -> str:
    if entry.kind not in ("daily", "weekly", "monthly"):
        return ""
    kept = "all are kept" if entry.kept_from is None else f"kept from {entry.kept_from} on"
    return f"   {kept}{f', {entry.held} held back' if entry.held else ''}"
