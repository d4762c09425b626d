"""What the tasks of the snapshot DAGs do. Tasks import this module when they run, DAG files do not.

A run reads and writes, then records itself, then publishes: whatever Redis does, what was written
has its record.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from analytics_scheduler import snapshots
from analytics_scheduler.cache import not_published
from analytics_scheduler.cache.publish import publish_figures
from analytics_scheduler.database import connected
from analytics_scheduler.errors import AnalyticsError, PeriodError, SchemaError, SettingError
from analytics_scheduler.orchestration.dag_run import (
    is_last_attempt,
    run_moment,
    started_at,
    wanted_date,
    wanted_force,
)
from analytics_scheduler.orchestration.metrics import emit_run
from analytics_scheduler.orchestration.options import snapshot_asset
from analytics_scheduler.queries import Queries
from analytics_scheduler.run_records import FinishedRun, finish_run
from analytics_scheduler.settings import CacheSettings, DatabaseSettings, load_alert_settings
from analytics_scheduler.snapshots import RunSettings, SnapshotReport, SnapshotRequest
from analytics_scheduler.snapshots.ranges import EVERYTHING, LocationRange
from analytics_scheduler.vocabulary import PeriodType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow.sdk import Context

    from analytics_scheduler.snapshots import RunContext

_LOGGER = logging.getLogger(__name__)
_REPORT_KEY = "report"


def take_all(context: Context, period_type: str) -> dict[str, Any]:
    """Do a whole run, and return its report; raises if a row is missing."""
    try:
        settings = RunSettings.load()
        request = _request_of(context, period_type, settings)
        with connected(settings.database, through_airflow=True) as connection:
            run = snapshots.prepare(connection, settings)
            report = _write(run, request)
            _retry_if_passing(context, report)
            _record(context, run.queries, request, report, started_at(context))
    except (PeriodError, SettingError, SchemaError) as error:
        # A retry would fail in the same way.
        raise AirflowFailException(str(error)) from error
    _publish(context, settings.database, report)
    return _conclude(context, period_type, report)


def plan_shards(context: Context, period_type: str) -> list[dict[str, Any]]:
    """Return what each task that writes needs: the request, the moment of the prices, a range."""
    try:
        settings = RunSettings.load()
        request = _request_of(context, period_type, settings)
        with connected(settings.database, through_airflow=True) as connection:
            run = snapshots.prepare(connection, settings)
            shards = snapshots.plan_shards(run.queries, settings.snapshots)
    except (PeriodError, SettingError, SchemaError) as error:
        raise AirflowFailException(str(error)) from error
    shared = {**request.as_dict(), "priced_at": run.priced_at.isoformat()}
    return [{**shared, "shard": shard.as_dict()} for shard in shards]


def write_shard(context: Context, part: dict[str, Any]) -> None:
    """Write one shard, and leave its report for the task that finishes the run."""
    settings = RunSettings.load()
    request = SnapshotRequest.from_dict(part)
    shard = LocationRange.from_dict(part["shard"])
    priced_at = datetime.fromisoformat(part["priced_at"])
    with connected(settings.database, through_airflow=True) as connection:
        run = snapshots.prepare(connection, settings, priced_at=priced_at)
        report = _write(run, request, shard)
    context["ti"].xcom_push(key=_REPORT_KEY, value=report.as_dict())
    _log(request.run_id, report)
    if report.failures:
        message = f"{report.failed} locations failed: {report.failures_in_short()}"
        if any(failure.may_pass for failure in report.failures):
            raise AirflowException(message)
        raise AirflowFailException(message)


def finish(
    context: Context, shards: Sequence[dict[str, Any]], period_type: str, *, publishes: bool
) -> dict[str, Any]:
    """Record a run whose shards have been written, and return its report."""
    request = SnapshotRequest.from_dict(shards[0])
    if request.period_type != period_type:
        raise AirflowFailException(
            f"The DAG plans {request.period_type} snapshots and confirms {period_type} ones. "
            "Pass the same period type to plan() and confirm()."
        )
    settings = DatabaseSettings.load()
    report = _total(request, context)
    with connected(settings, through_airflow=True) as connection:
        began = datetime.fromisoformat(shards[0]["priced_at"])
        _record(context, Queries(connection, settings), request, report, began)
    if publishes:
        _publish(context, settings, report)
    return _conclude(context, period_type, report)


def publish(context: Context, shards: Sequence[dict[str, Any]]) -> None:
    """Publish the figures of a run whose shards have been written."""
    report = _total(SnapshotRequest.from_dict(shards[0]), context)
    _publish(context, DatabaseSettings.load(), report)


def _request_of(context: Context, period_type: str, settings: RunSettings) -> SnapshotRequest:
    request = snapshots.request_for(
        PeriodType(period_type),
        settings.calendar,
        run_id=context["run_id"],
        moment=run_moment(context),
        now=datetime.now(UTC),
        date_wanted=wanted_date(context),
        force=wanted_force(context),
    )
    _LOGGER.info("event=planned run=%s slots=%s", request.run_id, request.describe())
    return request


def _write(
    run: RunContext, request: SnapshotRequest, shard: LocationRange = EVERYTHING
) -> SnapshotReport:
    connect = partial(connected, run.settings.database, through_airflow=True)
    jobs = run.settings.snapshots.jobs
    return snapshots.run_in_jobs(run, request, connect, jobs=jobs, shard=shard)


def _retry_if_passing(context: Context, report: SnapshotReport) -> None:
    """Raise if a retry may write what is missing; the last attempt records what it could do."""
    passing = [failure for failure in report.failures if failure.may_pass]
    if passing and not is_last_attempt(context):
        raise AirflowException(
            f"{report.failed} locations failed: {report.failures_in_short()}. A retry may help."
        )


def _record(
    context: Context,
    queries: Queries,
    request: SnapshotRequest,
    report: SnapshotReport,
    began: datetime,
) -> None:
    """Count what should be there, then store, count and log the run, once for all attempts."""
    with snapshots.recording(queries.connection, report):
        snapshots.count_missing(queries, request, report)
        run = FinishedRun(
            task=context["dag"].dag_id,
            run_id=request.run_id,
            outcome=report.outcome,
            started_at=began,
            report=report.as_dict(),
        )
        is_news = finish_run(queries, run, load_alert_settings())
    _log(request.run_id, report)
    if is_news:
        emit_run(context, run)


def _publish(context: Context, settings: DatabaseSettings, report: SnapshotReport) -> None:
    """Publish the figures; whatever happens is a warning, because the next run publishes them."""
    try:
        with connected(settings, through_airflow=True) as connection:
            publish_figures(
                Queries(connection, settings),
                CacheSettings.load(),
                report.touched_period_types,
                through_airflow=True,
            )
    except AnalyticsError as error:
        _LOGGER.warning("event=not_published run=%s %s", context["run_id"], not_published(error))


def _conclude(context: Context, period_type: str, report: SnapshotReport) -> dict[str, Any]:
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
