"""The arguments of `DAG(...)` that all DAGs of the package share, and the assets of snapshots."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset

from analytics_scheduler.orchestration.callbacks import alert_callbacks
from analytics_scheduler.orchestration.schedules import TASK_TAG
from analytics_scheduler.settings import DatabaseSettings
from analytics_scheduler.vocabulary import PeriodType

if TYPE_CHECKING:
    from airflow.sdk import Param

_DEFAULT_ARGS: dict[str, Any] = {
    "owner": "analytics",
    "retries": 3,
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
}


def dag_options(tag: str, params: dict[str, Param] | None = None) -> dict[str, Any]:
    """Return the arguments of a DAG with this tag, and with these fields in its trigger form.

    A task may run for TASK_TIMEOUT_SECONDS. Raises SettingError if that cannot be read.
    """
    timeout = timedelta(seconds=DatabaseSettings.load().task_timeout_seconds)
    return {
        "start_date": datetime(2020, 1, 1, tzinfo=UTC),
        "catchup": False,
        "is_paused_upon_creation": False,
        "max_active_runs": 1,
        "default_args": {**_DEFAULT_ARGS, "execution_timeout": timeout},
        **alert_callbacks(),
        "params": params or {},
        "tags": [TASK_TAG, tag],
    }


def snapshot_asset(period_type: str) -> Asset:
    """Return the asset that a successful run of a period type updates."""
    return Asset(name=f"analytics_snapshots_{PeriodType(period_type)}")
