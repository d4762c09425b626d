"""The tasks of the snapshot DAGs: plan, write, publish, confirm.

What travels between them is a few hundred bytes per shard: ranges of ids and counts, never lists.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, Param, get_current_context, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from analytics_scheduler.errors import AnalyticsError, PeriodError, SchemaError, SettingError
from analytics_scheduler.orchestration.callbacks import (
    RunNotPlannedError,
    check_overdue_tasks,
    record_failure,
)
from analytics_scheduler.orchestration.dag_run import run_moment, wanted_date, wanted_force
from analytics_scheduler.orchestration.metrics import emit_run
from analytics_scheduler.orchestration.options import dag_options
from analytics_scheduler.orchestration.retired_settings import log_retired_settings
from analytics_scheduler.settings import (
    CacheSettings,
    DatabaseSettings,
    SnapshotSettings,
    load_alert_settings,
)
from analytics_scheduler.vocabulary import PeriodType

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from analytics_scheduler.snapshots import SnapshotReport, SnapshotRequest

_LOGGER = logging.getLogger(__name__)
_REPORT_KEY = "report"


def snapshot_asset(period_type: str) -> Asset:
    """Return the asset that a successful run of a period type updates."""
    return Asset(name=f"analytics_snapshots_{PeriodType(period_type)}")


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


@task(task_id="plan_shards", on_failure_callback=record_failure)
def plan(period_type: str) -> list[dict[str, Any]]:
    """Decide which period the run stands for, and cut the locations into shards."""
    from analytics_scheduler import snapshots
    from analytics_scheduler.database import connected
    from analytics_scheduler.snapshots.context import RunSettings

    context = get_current_context()
    log_retired_settings()
    try:
        settings = RunSettings.load()
        request = snapshots.request_for(
            PeriodType(period_type),
            settings.calendar,
            run_id=context["run_id"],
            moment=run_moment(context),
            now=datetime.now(UTC),
            date_wanted=wanted_date(context),
            force=wanted_force(context),
        )
        with connected(settings.database, through_airflow=True) as connection:
            run = snapshots.prepare(connection, settings)
            shards = snapshots.plan_shards(run.queries, settings.snapshots)
    except (PeriodError, SettingError, SchemaError) as error:
        # A retry would fail in the same way.
        raise AirflowFailException(str(error)) from error
    _LOGGER.info("event=planned run=%s slots=%s", request.run_id, request.describe())
    shared = {**request.as_dict(), "priced_at": run.priced_at.isoformat()}
    return [{**shared, "shard": shard.as_dict()} for shard in shards]


def write(shards: XComArg) -> XComArg:
    """Add the tasks that write the shards, some of them side by side if there are many."""
    limit = SnapshotSettings.load().parallel_shards
    return write_snapshots.override(max_active_tis_per_dag=limit).expand(part=shards)


@task
def write_snapshots(part: dict[str, Any]) -> None:
    """Write the snapshots of one shard; a retry writes what is missing."""
    from analytics_scheduler import snapshots
    from analytics_scheduler.database import connected
    from analytics_scheduler.snapshots.context import RunSettings

    settings = RunSettings.load()
    request = snapshots.SnapshotRequest.from_dict(part)
    shard = snapshots.LocationRange.from_dict(part["shard"])
    priced_at = datetime.fromisoformat(part["priced_at"])
    with connected(settings.database, through_airflow=True) as connection:
        run = snapshots.prepare(connection, settings, priced_at=priced_at)
        report = snapshots.run_snapshots(run, request, shard=shard)
    get_current_context()["ti"].xcom_push(key=_REPORT_KEY, value=report.as_dict())
    _log(request.run_id, report)
    if report.failures:
        message = f"{report.failed} locations failed: {report.failures_in_short()}"
        if any(failure.may_pass for failure in report.failures):
            raise AirflowException(message)
        raise AirflowFailException(message)


@task(task_id="publish_snapshots", trigger_rule="all_done", retries=0)
def publish(shards: Any) -> None:
    """Publish the latest figures. If Redis is down, log a warning: the next run publishes them."""
    from analytics_scheduler import snapshots
    from analytics_scheduler.cache.publish import not_published, publish_figures
    from analytics_scheduler.database import connected
    from analytics_scheduler.queries import Queries

    context = get_current_context()
    if not shards:
        raise AirflowSkipException("The run was not planned: there is nothing to publish.")
    settings = DatabaseSettings.load()
    report = _total(snapshots.SnapshotRequest.from_dict(shards[0]), context)
    with connected(settings, through_airflow=True) as connection:
        try:
            publish_figures(
                Queries(connection, settings),
                CacheSettings.load(),
                report.touched_period_types,
                through_airflow=True,
            )
        except AnalyticsError as error:
            message = not_published(error)
            _LOGGER.warning("event=not_published run=%s %s", context["run_id"], message)


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
    from analytics_scheduler import snapshots
    from analytics_scheduler.database import connected
    from analytics_scheduler.queries import Queries
    from analytics_scheduler.run_records import FinishedRun, finish_run

    context = get_current_context()
    if not shards:
        raise RunNotPlannedError("The run was not planned: see the log of plan_shards.")
    request = snapshots.SnapshotRequest.from_dict(shards[0])
    if request.period_type != period_type:
        raise AirflowFailException(
            f"The DAG plans {request.period_type} snapshots and confirms {period_type} ones. "
            "Pass the same period type to plan() and confirm()."
        )
    settings = DatabaseSettings.load()
    report = _total(request, context)
    with connected(settings, through_airflow=True) as connection:
        queries = Queries(connection, settings)
        snapshots.count_missing(queries, request, report)
        run = FinishedRun(
            task=context["dag"].dag_id,
            run_id=request.run_id,
            outcome=report.outcome,
            started_at=datetime.fromisoformat(shards[0]["priced_at"]),
            report=report.as_dict(),
        )
        finish_run(queries, run, load_alert_settings())
    _log(request.run_id, report)
    emit_run(context, run)
    if report.failures:
        raise AirflowFailException(
            f"{report.summary()}. Missing: {report.failures_in_short()}. What was written stays. "
            "Fix the cause and clear the failed tasks."
        )
    summary = report.as_dict()
    context["outlet_events"][snapshot_asset(period_type)].extra = {
        name: summary[name] for name in ("period", "first_day", "last_day", "written", "unchanged")
    }
    return summary


def _total(request: SnapshotRequest, context: Context) -> SnapshotReport:
    """Return the sum of the reports of the shards that left one."""
    from analytics_scheduler.snapshots import SnapshotReport

    total = SnapshotReport.of(request)
    reports = context["ti"].xcom_pull(task_ids="write_snapshots", key=_REPORT_KEY)
    for data in [reports] if isinstance(reports, dict) else list(reports or []):
        if data:
            total.add(SnapshotReport.from_dict(data))
    return total


def _log(run_id: str, report: SnapshotReport) -> None:
    _LOGGER.info("event=snapshots run=%s outcome=%s %s", run_id, report.outcome, report.summary())
    for line in (*report.warnings, *report.unexplained):
        _LOGGER.warning("event=figures run=%s %s", run_id, line)
    for failure in report.failures:
        _LOGGER.error("event=location_failed run=%s %s", run_id, failure)
