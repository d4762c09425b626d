"""The steps of a snapshot DAG, as tasks: plan, write, publish, confirm.

Reports travel between them in a few hundred bytes: ranges of ids and counts, never lists of ids.
"""

from __future__ import annotations

import logging
from datetime import UTC, date, datetime
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
    from airflow.sdk import XComArg

    from analytics_scheduler.snapshots import SnapshotReport, SnapshotRequest

_LOGGER = logging.getLogger(__name__)
_REPORT_KEY = "report"


def snapshot_asset(period_type: str) -> Asset:
    """Return the asset that a finished snapshot run of a period announces."""
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
            description=f"A day inside the wanted {noun}; empty: the last {noun} that is over.",
        ),
        "force": Param(
            False,
            type="boolean",
            title="Force",
            description="Compute stored days again, at the costs and prices of now.",
        ),
    }


def snapshot_options(period_type: str) -> dict[str, Any]:
    """Return the arguments of `DAG(...)` for a DAG that takes snapshots of this period type."""
    return dag_options("snapshot", snapshot_params(period_type))


def plan(period_type: str) -> XComArg:
    """Add the task that decides what the run stands for; it gives a part a range of locations."""
    return plan_shards(period_type)


def write(parts: XComArg) -> XComArg:
    """Add the tasks that write the parts: one, or several side by side where there are many."""
    limit = SnapshotSettings.load().parallel_shards
    return write_snapshots.override(max_active_tis_per_dag=limit).expand(part=parts)


def publish(parts: XComArg) -> XComArg:
    """Add the task that puts the latest figures into the cache, whatever became of the parts."""
    return publish_snapshots(parts)


def confirm(parts: XComArg, period_type: str) -> XComArg:
    """Add the task that counts what should be there and announces the period's asset."""
    asset = snapshot_asset(period_type)
    return confirm_snapshots.override(outlets=[asset])(parts, asset.name)


@task(on_failure_callback=record_failure)
def plan_shards(period_type: str) -> list[dict[str, Any]]:
    """Decide what the run stands for, and cut the locations into ranges of ids."""
    from analytics_scheduler import snapshots
    from analytics_scheduler.database import connected
    from analytics_scheduler.snapshots.context import RunSettings

    context = get_current_context()
    log_retired_settings()
    try:
        setup = RunSettings.load()
        request = snapshots.request_for(
            PeriodType(period_type),
            setup.calendar,
            run_id=context["run_id"],
            moment=run_moment(context),
            now=datetime.now(UTC),
            date_wanted=wanted_date(context),
            force=wanted_force(context),
        )
        with connected(setup.database, through_airflow=True) as connection:
            run_context = snapshots.prepare(connection, setup)
            shards = snapshots.plan_shards(run_context.queries, setup.snapshots)
    except (PeriodError, SettingError, SchemaError) as error:
        # Another try would find the same.
        raise AirflowFailException(str(error)) from error
    _LOGGER.info("event=planned run=%s slots=%s", request.run_id, request.describe())
    return [
        {
            **_as_plain(request),
            "priced_at": run_context.priced_at.isoformat(),
            "shard": shard.as_dict(),
        }
        for shard in shards
    ]


@task
def write_snapshots(part: dict[str, Any]) -> None:
    """Write the snapshots of one range of locations; a retry does what is missing."""
    from analytics_scheduler import snapshots
    from analytics_scheduler.database import connected
    from analytics_scheduler.snapshots.context import RunSettings

    setup = RunSettings.load()
    with connected(setup.database, through_airflow=True) as connection:
        context = snapshots.prepare(
            connection, setup, priced_at=datetime.fromisoformat(part["priced_at"])
        )
        report = snapshots.run_snapshots(
            context, _from_plain(part), shard=snapshots.LocationRange.from_dict(part["shard"])
        )
    get_current_context()["ti"].xcom_push(key=_REPORT_KEY, value=report.as_dict())
    _log(part["run_id"], report)
    if report.failures:
        message = f"{len(report.failures)} locations failed: {report.failures_in_short()}"
        if any(failure.may_pass for failure in report.failures):
            raise AirflowException(message)
        raise AirflowFailException(message)


@task(trigger_rule="all_done", retries=0)
def publish_snapshots(parts: Any) -> None:
    """Publish the latest figures. If Redis is down, log a warning: the next run publishes them."""
    from analytics_scheduler.cache.publish import not_published, publish_figures
    from analytics_scheduler.database import connected
    from analytics_scheduler.queries import Queries

    context = get_current_context()
    if not parts:
        raise AirflowSkipException("The run was not planned: there is nothing to publish.")
    settings = DatabaseSettings.load()
    report = _total(_from_plain(parts[0]), context)
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


@task(
    trigger_rule="all_done",
    on_success_callback=check_overdue_tasks,
    on_failure_callback=[record_failure, check_overdue_tasks],
)
def confirm_snapshots(parts: Any, asset: str) -> dict[str, Any]:
    """Count what should be there, record the run, and fail where a row is missing."""
    from analytics_scheduler import snapshots
    from analytics_scheduler.database import connected
    from analytics_scheduler.queries import Queries
    from analytics_scheduler.run_records import FinishedRun, finish_run
    from analytics_scheduler.snapshots.context import RunSettings

    context = get_current_context()
    if not parts:
        raise RunNotPlannedError("The run was not planned: see the log of plan_shards.")
    setup = RunSettings.load()
    request = _from_plain(parts[0])
    report = _total(request, context)
    with connected(setup.database, through_airflow=True) as connection:
        queries = Queries(connection, setup.database)
        snapshots.count_missing(queries, request, report)
        run = FinishedRun(
            task=context["dag"].dag_id,
            run_id=request.run_id,
            outcome=report.outcome,
            started_at=datetime.fromisoformat(parts[0]["priced_at"]),
            report=report.as_dict(),
        )
        finish_run(queries, run, load_alert_settings())
    _log(request.run_id, report)
    emit_run(context, run)
    if report.failures:
        raise AirflowFailException(
            f"{report.summary()}. Missing: {report.failures_in_short()}. What was written stays; "
            "fix the cause and clear the failed tasks."
        )
    summary = report.as_dict()
    context["outlet_events"][Asset(name=asset)].extra = {
        name: summary[name] for name in ("period", "first_day", "last_day", "written", "unchanged")
    }
    return summary


def _total(request: SnapshotRequest, context: Any) -> SnapshotReport:
    from analytics_scheduler.snapshots.report import SnapshotReport

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


def _as_plain(request: SnapshotRequest) -> dict[str, Any]:
    return {
        "period": request.period_type.value,
        "slots": [[str(period.start), str(period.end)] for period in request.periods],
        "run_id": request.run_id,
        "heals": request.catches_up,
        "force": request.force,
    }


def _from_plain(data: dict[str, Any]) -> SnapshotRequest:
    from analytics_scheduler.periods import Period
    from analytics_scheduler.snapshots import SnapshotRequest

    period_type = PeriodType(data["period"])
    return SnapshotRequest(
        period_type=period_type,
        periods=tuple(
            Period(date.fromisoformat(start), date.fromisoformat(end), period_type)
            for start, end in data["slots"]
        ),
        run_id=data["run_id"],
        catches_up=data["heals"],
        force=data["force"],
    )
