"""What a task reads from its own DAG run: the moment it stands for, and the fields of its form."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from analytics_scheduler.periods import parse_day

if TYPE_CHECKING:
    from airflow.sdk import Context


def run_moment(context: Context) -> datetime:
    """Return the moment that a run stands for: its scheduled time, or when it was triggered."""
    dag_run = context["dag_run"]
    moment: datetime = dag_run.logical_date or dag_run.run_after
    return moment


def started_at(context: Context) -> datetime:
    """Return when the task started, or when its run did if this is another attempt.

    So a record that an earlier attempt left is younger. (`airflow dags test` makes first attempts
    only, of runs that start at their logical date.)
    """
    task_instance = context["ti"]
    moment: datetime | None = task_instance.start_date
    if task_instance.try_number > 1:
        moment = context["dag_run"].start_date
    return moment or datetime.now(UTC)


def is_last_attempt(context: Context) -> bool:
    """Return whether Airflow will not repeat the task if it fails."""
    task_instance = context["ti"]
    return bool(task_instance.try_number > task_instance.max_tries)


def wanted_date(context: Context) -> date | None:
    """Return the `date` that the run was triggered with, if any.

    Raises PeriodError if it is not a day of the form YYYY-MM-DD.
    """
    named = context["params"].get("date") or (context["dag_run"].conf or {}).get("date")
    return parse_day(str(named)) if named else None


def wanted_force(context: Context) -> bool:
    """Return whether the run was triggered with `force`: compute stored days again."""
    return context["params"].get("force") is True


def wanted_dry_run(context: Context) -> bool:
    """Return whether a retention run only counts; anything but an explicit false means yes."""
    return context["params"].get("dry_run") is not False
