"""Retention: delete snapshots that are older than their settings allow, and their bookkeeping."""

from analytics_scheduler.retention.prune import prune, run_retention
from analytics_scheduler.retention.report import PruneReport, TableCount

__all__ = ["PruneReport", "TableCount", "prune", "run_retention"]
