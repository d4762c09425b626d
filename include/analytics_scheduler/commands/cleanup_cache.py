"""Remove expired and idle entries of the analytics cache; no other key is touched."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from analytics_scheduler.output import Output

if TYPE_CHECKING:
    from analytics_scheduler.cache.cleanup import CleanupReport

HELP = "clean up the analytics cache once"
_BYTES_A_MEGABYTE = 1_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add `--dry-run`."""
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="count the idle entries without removing them; expired ones are reclaimed in any case",
    )


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Clean up the cache once, and print what was removed; return 0."""
    from analytics_scheduler.cache.cleanup import clean_up
    from analytics_scheduler.cache.connection import connected_cache
    from analytics_scheduler.settings import CacheSettings

    settings = CacheSettings.load()
    with connected_cache(settings) as cache:
        report = clean_up(cache, settings, dry_run=arguments.dry_run)
    _print(report, output)
    return 0


def _print(report: CleanupReport, output: Output) -> None:
    idle = "idle, would be removed" if report.dry_run else "idle, removed"
    for label, count in (
        ("scanned", report.scanned),
        ("expired, reclaimed", report.expired),
        (idle, report.idle),
        ("with a TTL, kept", report.with_ttl),
        ("recently used, kept", report.used_lately),
        ("the package's own, kept", report.own),
    ):
        output.line(f"  {label:<24}{count:>10}")
    if report.memory_before is not None and report.memory_after is not None:
        output.line(
            f"Memory: {report.memory_before / _BYTES_A_MEGABYTE:.1f} MB before, "
            f"{report.memory_after / _BYTES_A_MEGABYTE:.1f} MB after. Took {report.seconds} s."
        )
    for warning in report.warnings:
        output.warning(warning)
    output.result({"success": True, **report.as_dict()})
