"""Remove the entries of the analytics cache whose time is over; no other key is touched."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from analytics_scheduler.output import Output

if TYPE_CHECKING:
    from analytics_scheduler.cache.cleanup import CleanupReport

HELP = "clean the analytics cache once"
_BYTES_A_MEGABYTE = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the choice to count only."""
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="say what would go; only what has expired already goes all the same",
    )


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Clean the cache once, and print what went."""
    from analytics_scheduler.cache.cleanup import clean_cache
    from analytics_scheduler.cache.connection import connected_cache
    from analytics_scheduler.settings import CacheSettings

    settings = CacheSettings.load()
    with connected_cache(settings) as cache:
        report = clean_cache(cache, settings, dry_run=arguments.dry_run)
    _print(report, output)
    return 0


def _print(report: CleanupReport, output: Output) -> None:
    idle = "idle, would be removed" if report.dry_run else "idle, removed"
    for label, count in (
        ("scanned", report.scanned),
        ("expired, reclaimed", report.expired),
        (idle, report.idle),
        ("with a TTL, kept", report.with_ttl),
        ("used lately, kept", report.used_lately),
        ("the package's own, kept", report.own),
    ):
        output.line(f"  {label:<24}{count:>10}")
    if report.memory_before is not None and report.memory_after is not None:
        output.line(
            f"Memory {report.memory_before / _BYTES_A_MEGABYTE:.1f} MB before, "
            f"{report.memory_after / _BYTES_A_MEGABYTE:.1f} MB after; {report.seconds} s."
        )
    for warning in report.warnings:
        output.warning(warning)
    output.result({"success": True, **report.as_dict()})
