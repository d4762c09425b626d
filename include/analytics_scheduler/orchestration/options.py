"""What every task asks of its run: the moment it stands for, and what a person asked for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from analytics_scheduler.periods import parse_day

if TYPE_CHECKING:
    from airflow.sdk import Context

DEFAULT_ARGS: dict[str, Any] = {
    "owner": "analytics",
    "retries": 3,
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
}
START_DATE = datetime(2020, 1, 1, tzinfo=UTC)


def run_moment(context: Context) -> datetime:
    """Return the moment that a run stands for: its scheduled time, or that of its trigger."""
    dag_run = context["dag_run"]
    moment: datetime = dag_run.logical_date or dag_run.run_after
    return moment


def wanted_date(context: Context) -> date | None:
    """Return the day that a person named, or None; raises PeriodError for anything else."""
    named = context["params"].get("date") or (context["dag_run"].conf or {}).get("date")
    return parse_day(str(named)) if named else None


def wanted_force(context: Context) -> bool:
    """Return whether a person asked for stored days to be computed again."""
    return context["params"].get("force") is True
