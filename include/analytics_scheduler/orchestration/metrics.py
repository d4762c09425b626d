"""The metrics of a run, sent through Airflow's own StatsD or OpenTelemetry.

The task is part of the name, `analytics_scheduler.<task>.<metric>`, because plain StatsD has no
tags; Airflow adds its own prefix. If metrics are off in Airflow, nothing is sent.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from analytics_scheduler.orchestration.dag_run import run_moment

if TYPE_CHECKING:
    from airflow.sdk import Context

    from analytics_scheduler.freshness import TaskFreshness
    from analytics_scheduler.run_records import FinishedRun

_LOGGER = logging.getLogger(__name__)
_PREFIX = "analytics_scheduler"
# The names of counts in reports, and the metrics that they are sent as.
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


def emit_run(context: Context, run: FinishedRun, counts: Mapping[str, Any] | None = None) -> None:
    """Send the outcome, duration, lateness and counts of a run. Never raises.

    The counts are those of the run's report unless `counts` are given. Lateness is the time in
    seconds from the scheduled time to the end of the run; only scheduled runs have it.
    """
    from airflow.sdk.observability import stats

    name = f"{_PREFIX}.{run.task}"
    found = run.report if counts is None else counts
    try:
        stats.incr(f"{name}.runs.{run.outcome}")
        stats.timing(f"{name}.duration", run.finished_at - run.started_at)
        if context["dag_run"].run_type == "scheduled":
            lateness = (run.finished_at - run_moment(context)).total_seconds()
            stats.gauge(f"{name}.lateness_seconds", max(lateness, 0.0))
        for field, metric in COUNTERS.items():
            if found.get(field):
                stats.incr(f"{name}.{metric}", int(found[field]))
    except (OSError, ValueError, ImportError) as error:
        _LOGGER.warning("event=metrics_not_sent run=%s reason=%r", run.run_id, str(error))


def emit_overdue(tasks: Iterable[TaskFreshness]) -> None:
    """Send 1 for each task that is overdue and 0 for the others. Never raises."""
    from airflow.sdk.observability import stats

    try:
        for task in tasks:
            stats.gauge(f"{_PREFIX}.{task.task}.overdue", int(task.freshness.is_overdue))
    except (OSError, ValueError, ImportError) as error:
        _LOGGER.warning("event=metrics_not_sent reason=%r", str(error))
