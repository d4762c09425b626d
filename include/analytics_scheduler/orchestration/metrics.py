"""The metrics of a run, through Airflow's own StatsD or OpenTelemetry.

The task is a part of the name, `analytics_scheduler.<task>.<metric>`, since plain StatsD has no
tags; Airflow puts its own prefix before it. Nothing is sent where Airflow has metrics off.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from analytics_scheduler.orchestration.dag_run import run_moment

if TYPE_CHECKING:
    from analytics_scheduler.freshness import TaskFreshness

_LOGGER = logging.getLogger(__name__)
_PREFIX = "analytics_scheduler"
# What the report calls it, and what the metric is called.
COUNTERS: Mapping[str, str] = {
    "written": "rows_written",
    "changed": "rows_changed",
    "unchanged": "rows_unchanged",
    "failed": "locations_failed",
    "movements_read": "movements_read",
    "days_repaired": "days_repaired",
    "removed": "entries_removed",
    "rows_pruned": "rows_pruned",
}


def emit_run(context: Any, outcome: str, started_at: datetime, report: Mapping[str, Any]) -> None:
    """Send a run's outcome, duration, lateness and counts; nothing here can fail the task.

    Lateness is how long after its scheduled time a run ended, in seconds; manual runs and
    backfills have none.
    """
    from airflow.sdk.observability import stats

    name = f"{_PREFIX}.{context['dag'].dag_id}"
    now = datetime.now(UTC)
    try:
        stats.incr(f"{name}.runs.{outcome}")
        stats.timing(f"{name}.duration", now - started_at)
        if context["dag_run"].run_type == "scheduled":
            lateness = (now - run_moment(context)).total_seconds()
            stats.gauge(f"{name}.lateness_seconds", max(lateness, 0.0))
        for field, metric in COUNTERS.items():
            if report.get(field):
                stats.incr(f"{name}.{metric}", int(report[field]))
    except (OSError, ValueError, ImportError) as error:
        _LOGGER.warning("event=metrics_not_sent run=%s reason=%r", context["run_id"], str(error))


def emit_overdue(tasks: Iterable[TaskFreshness]) -> None:
    """Send for each task whether it is overdue: 1 or 0."""
    from airflow.sdk.observability import stats

    try:
        for task in tasks:
            stats.gauge(f"{_PREFIX}.{task.task}.overdue", int(task.freshness.is_overdue))
    except (OSError, ValueError, ImportError) as error:
        _LOGGER.warning("event=metrics_not_sent reason=%r", str(error))
