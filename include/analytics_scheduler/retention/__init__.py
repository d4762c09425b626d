"""Retention: snapshots whose time is over go, and nothing that is still needed goes with them."""

from analytics_scheduler.retention.cutoffs import Cutoffs, cutoffs_at, first_kept_day
from analytics_scheduler.retention.prune import prune
from analytics_scheduler.retention.report import KindReport, PruneReport

__all__ = ["Cutoffs", "KindReport", "PruneReport", "cutoffs_at", "first_kept_day", "prune"]
