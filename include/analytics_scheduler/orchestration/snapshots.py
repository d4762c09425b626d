"""The tasks of the snapshot DAGs: one that does the whole run, or plan, write and finish.

`snapshot_tasks` adds them to a DAG. What travels between tasks is a few hundred bytes per shard:
ranges of ids and counts, never lists.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Param, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from analytics_scheduler.orchestration.callbacks import (
    RunNotPlannedError,
    check_overdue_tasks,
    record_failure,
)
from analytics_scheduler.orchestration.options import dag_options, snapshot_asset
from analytics_scheduler.orchestration.retired_settings import log_retired_settings
from analytics_scheduler.settings import DatabaseSettings, SnapshotSettings
from analytics_scheduler.vocabulary import PeriodType

if TYPE_CHECKING:
    from airflow.sdk import XComArg

# What a task that also records and publishes may take beyond TASK_TIMEOUT_SECONDS, which bounds the
# writing: a run whose time was up is still recorded.
_TIME_TO_FINISH = timedelta(seconds=60)


def snapshot_params(period_type: str) -> dict[str, Param]:
    """Return the fields of the form that a manual run is started with."""
    noun = PeriodType(period_type).noun
    return {
        "date": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Date",
            description=f"A day inside the wanted {noun}. Leave empty for the last complete one.",
        ),
        "force": Param(
            False,
            type="boolean",
            title="Force",
            description="Compute stored days again, at current costs and prices.",
        ),
    }


def snapshot_options(period_type: str) -> dict[str, Any]:
    """Return the arguments of `DAG(...)` for a DAG that takes snapshots of this period type."""
    return dag_options("snapshot", snapshot_params(period_type))


def snapshot_tasks(period_type: str) -> None:
    """Add the tasks of a snapshot DAG: one, or with SNAPSHOT_SHARDS above 1 plan, write, finish.

    Raises SettingError if SNAPSHOT_SHARDS cannot be read.
    """
    limit = timedelta(seconds=DatabaseSettings.load().task_timeout_seconds) + _TIME_TO_FINISH
    options: dict[str, Any] = {
        "outlets": [snapshot_asset(period_type)],
        "execution_timeout": limit,
    }
    if SnapshotSettings.load().shards == 1:
        take_snapshots.override(**options)(period_type)
        return
    shards = plan(period_type)
    write(shards) >> finish_run.override(**options)(shards, period_type)


@task(
    task_id="write_snapshots",
    on_success_callback=check_overdue_tasks,
    on_failure_callback=[record_failure, check_overdue_tasks],
)
def take_snapshots(period_type: str) -> dict[str, Any]:
    """Write all snapshots of the run, record it, publish the figures, and return the report.

    A retry writes what is missing. Fails if a row is missing, and names its location.
    """
    from analytics_scheduler.orchestration import snapshot_runs

    log_retired_settings()
    return snapshot_runs.take_all(get_current_context(), period_type)


@task(task_id="plan_shards", on_failure_callback=record_failure)
def plan(period_type: str) -> list[dict[str, Any]]:
    """Decide which period the run stands for, and cut the locations into SNAPSHOT_SHARDS ranges."""
    from analytics_scheduler.orchestration import snapshot_runs

    log_retired_settings()
    return snapshot_runs.plan_shards(get_current_context(), period_type)


def write(shards: XComArg) -> XComArg:
    """Add the tasks that write the shards, side by side."""
    return write_snapshots.expand(part=shards)


@task
def write_snapshots(part: dict[str, Any]) -> None:
    """Write the snapshots of one shard; a retry writes what is missing."""
    from analytics_scheduler.orchestration import snapshot_runs

    snapshot_runs.write_shard(get_current_context(), part)


@task(
    trigger_rule="all_done",
    on_success_callback=check_overdue_tasks,
    on_failure_callback=[record_failure, check_overdue_tasks],
)
def finish_run(shards: Any, period_type: str) -> dict[str, Any]:
    """Count what should be there, record the run, publish, and fail if a row is missing."""
    from analytics_scheduler.orchestration import snapshot_runs

    return snapshot_runs.finish(
        get_current_context(), _planned(shards), period_type, publishes=True
    )


@task(task_id="publish_snapshots", trigger_rule="all_done", retries=0)
def publish(shards: Any) -> None:
    """Publish the latest figures. If Redis is down, log a warning: the next run publishes them."""
    from analytics_scheduler.orchestration import snapshot_runs

    if not shards:
        raise AirflowSkipException("The run was not planned: there is nothing to publish.")
    snapshot_runs.publish(get_current_context(), shards)


def confirm(shards: XComArg, period_type: str) -> XComArg:
    """Add the task that counts what should be there and updates the period type's asset."""
    outlet = snapshot_asset(period_type)
    return confirm_snapshots.override(outlets=[outlet])(shards, period_type)


@task(
    trigger_rule="all_done",
    on_success_callback=check_overdue_tasks,
    on_failure_callback=[record_failure, check_overdue_tasks],
)
def confirm_snapshots(shards: Any, period_type: str) -> dict[str, Any]:
    """Count what should be there, record the run, and fail if a row is missing."""
    from analytics_scheduler.orchestration import snapshot_runs

    return snapshot_runs.finish(
        get_current_context(), _planned(shards), period_type, publishes=False
    )


def _planned(shards: Any) -> list[dict[str, Any]]:
    if not shards:
        raise RunNotPlannedError("The run was not planned: see the log of plan_shards.")
    return list(shards)
