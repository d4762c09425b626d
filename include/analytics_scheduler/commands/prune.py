"""Delete snapshots that are older than the retention settings allow, and their bookkeeping.

You can stop the command at any time and run it again: it continues from where it stopped.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from analytics_scheduler.output import Output
from analytics_scheduler.vocabulary import PeriodType

if TYPE_CHECKING:
    from analytics_scheduler.retention import PruneReport, TableCount

HELP = "delete snapshots that are older than the retention settings allow"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add `--dry-run`."""
    parser.add_argument(
        "--dry-run", action="store_true", help="count what would be deleted, and delete nothing"
    )


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Prune at the current time, and print the rows deleted from each table; return 0."""
    from datetime import UTC, datetime

    from analytics_scheduler.alerts.delivery import send_waiting
    from analytics_scheduler.database import connected
    from analytics_scheduler.queries import Queries
    from analytics_scheduler.retention import run_retention
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
        report, _ = run_retention(
            Queries(connection, database),
            settings,
            calendar,
            alerts,
            task="snapshot-retention",
            run_id=f"cli__{started_at.isoformat()}",
            started_at=started_at,
            moment=started_at,
            dry_run=arguments.dry_run,
        )
    _print(report, output)
    if not report.dry_run:
        send_waiting(database, alerts)
    return 0


def _print(report: PruneReport, output: Output) -> None:
    output.line("Would delete:" if report.dry_run else "Deleted:")
    for count in report.tables:
        output.line(f"  {count.table:<14}{count.deleted:>10}{_remark(count)}")
    for warning in report.warnings:
        output.warning(warning)
    output.result({"success": True, **report.as_dict()})


def _remark(count: TableCount) -> str:
    if not isinstance(count.table, PeriodType):
        return ""
    kept = "all kept" if count.kept_from is None else f"kept from {count.kept_from}"
    return f"   {kept}{f', {count.held} held back' if count.held else ''}"
