"""What the DAGs do about alerts: note what failed, judge who is overdue, send what waits.

Notes are taken by the tasks themselves, after Airflow has been told their state. Sending is the
DAG's own callback, which Airflow runs in the DAG processor: no task waits for a receiver, and none
fails because of one.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier
from airflow.sdk.exceptions import AirflowFailException, AirflowRuntimeError

from analytics_scheduler.errors import AnalyticsError
from analytics_scheduler.orchestration.metrics import emit_overdue, emit_run
from analytics_scheduler.orchestration.schedules import stored_schedule
from analytics_scheduler.settings import SCHEDULE_DEFAULTS, AlertSettings, DatabaseSettings

if TYPE_CHECKING:
    from analytics_scheduler.freshness import ChangedSchedule, TaskFreshness

_LOGGER = logging.getLogger(__name__)
_SUCCESS = "success"
# Records carry the time of the database, runs that of the scheduler.
_CLOCK_SKEW = timedelta(minutes=1)


class RunNotPlannedError(AirflowFailException):
    """The run has nothing to confirm: the task that plans it failed, and told of it."""


class WebhookNotifier(BaseNotifier):
    """Send the alerts that wait, for the callbacks of a DAG; without a webhook nothing is sent.

    Where the run failed and left no record, it gets one first. Where the database cannot take
    that, the failure is sent once without it, as well as can be.
    """

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        """Render nothing: there are no templates, and `airflow dags test` has no means for them."""

    def notify(self, context: Any) -> None:
        """Tell of the run that the context names; whatever goes wrong costs a warning."""
        from analytics_scheduler.alerts.delivery import send_waiting

        if context.get("reason") != _SUCCESS:
            try:
                _record_failure(context, {"reason": f"the run ended as {context.get('reason')}"})
            except AnalyticsError as error:
                _send_unstored(context, error)
                return
        send_waiting(through_airflow=True)


def alert_callbacks() -> dict[str, Any]:
    """Return the callbacks that our DAGs are made with; a DAG of yours may bring its own."""
    return {
        "on_success_callback": WebhookNotifier(),
        "on_failure_callback": WebhookNotifier(),
    }


def note_failure(context: Any) -> None:
    """Record a run that failed before it could: one record a run, whoever finds out first."""
    from analytics_scheduler.alerts.events import reason_of

    exception = context.get("exception")
    report = {"reason": reason_of(exception), "failed_task": context["ti"].task_id}
    try:
        is_news = _record_failure(context, report)
    except AnalyticsError as error:
        _LOGGER.warning("event=run_not_recorded run=%s reason=%r", context["run_id"], str(error))
        is_news = not isinstance(exception, RunNotPlannedError)
    if is_news:
        emit_run(context, "failed", _started_at(context), report)


def watch_tasks(context: Any) -> None:
    """Judge every task by its records and what Airflow knows; tell who is overdue."""
    from analytics_scheduler.alerts.delivery import hurried
    from analytics_scheduler.alerts.outbox import store_task_freshness
    from analytics_scheduler.database import connected
    from analytics_scheduler.freshness import read_task_freshness
    from analytics_scheduler.settings import CalendarSettings

    try:
        database = hurried(DatabaseSettings.load())
        calendar = CalendarSettings.load().calendar()
        with connected(database, through_airflow=True) as connection:
            found = read_task_freshness(
                connection,
                database,
                calendar,
                now=datetime.now(UTC),
                changed=_changed_schedules(),
            )
            tasks = [task for task in found if not _is_excused(task, context["ti"])]
            emit_overdue(tasks)
            alerts = AlertSettings.load()
            if alerts.url is not None:
                store_task_freshness(connection, database, alerts, tasks)
    except AnalyticsError as error:
        _LOGGER.warning("event=tasks_not_watched run=%s reason=%r", context["run_id"], str(error))


def _record_failure(context: Any, report: dict[str, Any]) -> bool:
    """Record the run as failed and return True, or return False where it has a record."""
    from analytics_scheduler.alerts.delivery import hurried
    from analytics_scheduler.database import connected
    from analytics_scheduler.run_records import is_recorded, record_run

    database = hurried(DatabaseSettings.load())
    task, run_id, started_at = context["dag"].dag_id, context["run_id"], _started_at(context)
    with connected(database, through_airflow=True) as connection:
        since = started_at - _CLOCK_SKEW
        if is_recorded(connection, database, task=task, run_id=run_id, since=since):
            return False
        record_run(
            connection,
            database,
            task=task,
            run_id=run_id,
            outcome="failed",
            started_at=started_at,
            report=report,
        )
    return True


def _started_at(context: Any) -> datetime:
    """Return when the run began; Airflow may not know it any more."""
    dag_run = context.get("dag_run")
    moment: datetime | None = dag_run.start_date if dag_run else None
    return moment or datetime.now(UTC)


def _send_unstored(context: Any, unstored: AnalyticsError) -> None:
    from analytics_scheduler.alerts.events import RunEnd, compose, reason_of, unstored_id
    from analytics_scheduler.alerts.webhook import post

    now = datetime.now(UTC)
    run = RunEnd(
        task=context["dag"].dag_id,
        run_id=context["run_id"],
        outcome="failed",
        started_at=_started_at(context),
        finished_at=now,
        report={"reason": f"the run could not be recorded: {reason_of(unstored)}"},
    )
    try:
        settings = AlertSettings.load()
        if settings.url is None or "failure" not in settings.events:
            return
        message_id = unstored_id(run.task, run.run_id)
        words = run.words()
        answer = post(
            settings,
            compose("failure", run.task, at=now, words=words, run=run, message_id=message_id),
        )
        _LOGGER.warning("event=alert_sent_unstored alert=%s %s", message_id, answer)
    except AnalyticsError as error:
        _LOGGER.warning("event=alert_lost run=%s reason=%r", run.run_id, str(error))


def _changed_schedules() -> dict[str, ChangedSchedule]:
    from analytics_scheduler.freshness import ChangedSchedule

    stored = {task: stored_schedule(task) for task in SCHEDULE_DEFAULTS}
    return {
        task: ChangedSchedule(entry.schedule, entry.moment)
        for task, entry in stored.items()
        if entry is not None
    }


def _is_excused(task: TaskFreshness, task_instance: Any) -> bool:
    """Whether a task may be late on purpose: Airflow, which knows the pauses, is asked.

    Where it cannot say, `analytics-scheduler health` is left to tell.
    """
    if not task.freshness.is_overdue:
        return False
    try:
        return bool(task_instance.get_dag(task.task).is_paused)
    except AirflowRuntimeError:
        return True
