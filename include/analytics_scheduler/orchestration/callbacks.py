"""The callbacks of tasks and DAGs: record failed runs, find overdue tasks, send alerts.

The callbacks of a task run in its own process, after Airflow has been told the task's state. The
callbacks of a DAG, which send the alerts, run in Airflow's DAG processor: no task waits for the
receiver of a webhook, and none fails because of it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier
from airflow.sdk.exceptions import AirflowFailException, AirflowRuntimeError

from analytics_scheduler.errors import AnalyticsError, SettingError
from analytics_scheduler.orchestration.metrics import emit_overdue, emit_run
from analytics_scheduler.orchestration.schedules import stored_schedule
from analytics_scheduler.settings import (
    SCHEDULE_DEFAULTS,
    AlertSettings,
    CalendarSettings,
    DatabaseSettings,
    ScheduleSettings,
    load_alert_settings,
    load_schedule,
)
from analytics_scheduler.vocabulary import AlertEvent, Outcome

if TYPE_CHECKING:
    from airflow.sdk import Context

    from analytics_scheduler.freshness import TaskFreshness, TaskSchedule
    from analytics_scheduler.run_records import FinishedRun

_LOGGER = logging.getLogger(__name__)
# The `reason` that Airflow gives the success callback of a DAG.
_SUCCESS = "success"


class RunNotPlannedError(AirflowFailException):
    """There is nothing to confirm: the task that plans the run failed, and has been recorded."""


class WebhookNotifier(BaseNotifier):
    """Sends the alerts that wait; for the success and failure callbacks of a DAG.

    A failed run that left no record is recorded first. If the database is down, the failure is
    sent once without being stored. Without a webhook nothing is sent.
    """

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """Render nothing: there are no templates, and `airflow dags test` cannot render any."""

    def notify(self, context: Context) -> None:
        """Send the alerts of a run. Never raises: failures are logged."""
        from analytics_scheduler.alerts.delivery import send_waiting

        alerts = load_alert_settings()
        reason = context.get("reason")
        if reason != _SUCCESS:
            run = _failed_run(context, {"reason": f"the run ended as {reason}"})
            try:
                _record_once(run, alerts)
            except AnalyticsError as error:
                _send_unstored(run, error, alerts)
                return
        if alerts.url is None:
            return
        try:
            send_waiting(DatabaseSettings.load(), alerts, through_airflow=True)
        except SettingError as error:
            _LOGGER.warning("event=alerts_not_sent reason=%r", str(error))


def alert_callbacks() -> dict[str, WebhookNotifier]:
    """Return the callbacks that our DAGs pass to `DAG(...)`; your own can replace them."""
    return {
        "on_success_callback": WebhookNotifier(),
        "on_failure_callback": WebhookNotifier(),
    }


def record_failure(context: Context) -> None:
    """Record and count a run that failed before it could record itself. Never raises.

    Airflow calls this for every task that fails; only the first call of a run counts.
    """
    from analytics_scheduler.run_records import reason_of

    exception = context.get("exception")
    report = {"reason": reason_of(exception), "failed_task": context["ti"].task_id}
    run = _failed_run(context, report)
    try:
        is_first = _record_once(run, load_alert_settings())
    except AnalyticsError as error:
        _LOGGER.warning("event=run_not_recorded run=%s reason=%r", run.run_id, str(error))
        is_first = not isinstance(exception, RunNotPlannedError)
    if is_first:
        emit_run(context, run)


def check_overdue_tasks(context: Context) -> None:
    """Send a metric for each task, and store alerts about overdue ones. Never raises."""
    from analytics_scheduler.alerts.delivery import STATEMENT_SECONDS
    from analytics_scheduler.alerts.overdue import queue_overdue_alerts
    from analytics_scheduler.database import connected
    from analytics_scheduler.freshness import read_task_freshness
    from analytics_scheduler.queries import Queries

    try:
        settings = DatabaseSettings.load().limited(STATEMENT_SECONDS)
        calendar = CalendarSettings.load().calendar()
        with connected(settings, through_airflow=True) as connection:
            queries = Queries(connection, settings)
            found = read_task_freshness(
                queries, calendar, _schedules_in_force(), now=datetime.now(UTC)
            )
            tasks = [task for task in found if not _is_excused(task, context["ti"])]
            emit_overdue(tasks)
            queue_overdue_alerts(queries, load_alert_settings(), tasks)
    except AnalyticsError as error:
        _LOGGER.warning("event=tasks_not_watched run=%s reason=%r", context["run_id"], str(error))


def _failed_run(context: Context, report: Mapping[str, Any]) -> FinishedRun:
    from analytics_scheduler.run_records import FinishedRun

    # The callback of a DAG may come without the run.
    dag_run = context.get("dag_run")
    return FinishedRun(
        task=context["dag"].dag_id,
        run_id=context["run_id"],
        outcome=Outcome.FAILED,
        started_at=(dag_run and dag_run.start_date) or datetime.now(UTC),
        report=report,
    )


def _record_once(run: FinishedRun, alerts: AlertSettings) -> bool:
    """Record a failed run and return True, or return False if it has a record."""
    from analytics_scheduler.alerts.delivery import STATEMENT_SECONDS
    from analytics_scheduler.database import connected
    from analytics_scheduler.queries import Queries
    from analytics_scheduler.run_records import finish_run, is_recorded

    settings = DatabaseSettings.load().limited(STATEMENT_SECONDS)
    with connected(settings, through_airflow=True) as connection:
        queries = Queries(connection, settings)
        if is_recorded(queries, run):
            return False
        finish_run(queries, run, alerts)
    return True


def _send_unstored(run: FinishedRun, error: AnalyticsError, alerts: AlertSettings) -> None:
    """Send the failure of a run that the database could not record, once."""
    from analytics_scheduler.alerts.message import build_message, unstored_id
    from analytics_scheduler.alerts.webhook import post
    from analytics_scheduler.run_records import reason_of

    if alerts.url is None or AlertEvent.FAILURE not in alerts.events:
        return
    run = replace(run, report={"reason": f"the run could not be recorded: {reason_of(error)}"})
    message = build_message(
        AlertEvent.FAILURE,
        run.task,
        at=run.finished_at,
        text=run.sentence(),
        message_id=unstored_id(run.task, run.run_id),
        run=run.as_dict(),
    )
    try:
        response = post(alerts, message)
        _LOGGER.warning("event=alert_sent_unstored alert=%s %s", message.id, response)
    except AnalyticsError as failure:
        _LOGGER.warning("event=alert_lost run=%s reason=%r", run.run_id, str(failure))


def _schedules_in_force() -> dict[str, TaskSchedule]:
    """Return when each task is due: as changed at run time, or as the settings say."""
    from analytics_scheduler.freshness import TaskSchedule

    switch = ScheduleSettings.load()
    schedules = {}
    for task in SCHEDULE_DEFAULTS:
        changed = stored_schedule(task)
        schedules[task] = (
            TaskSchedule(switch.clock(changed.schedule), since=changed.moment)
            if changed
            else TaskSchedule(switch.clock(load_schedule(task)))
        )
    return schedules


def _is_excused(task: TaskFreshness, task_instance: Any) -> bool:
    """Return whether an overdue task is paused in Airflow, or Airflow cannot say.

    In the second case `analytics-scheduler health` still reports the task.
    """
    if not task.freshness.is_overdue:
        return False
    try:
        return bool(task_instance.get_dag(task.task).is_paused)
    except AirflowRuntimeError:
        return True
