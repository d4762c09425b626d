"""What becomes of a finished run: a record in the database, its alerts, and a log line.

`FinishedRun` describes the run once, for all three.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import psycopg

from analytics_scheduler.alerts.message import build_message
from analytics_scheduler.alerts.outbox import open_outbox
from analytics_scheduler.database import refusal
from analytics_scheduler.freshness import CLOCK_SKEW
from analytics_scheduler.memory import peak_memory_mib
from analytics_scheduler.redaction import scrubbed
from analytics_scheduler.vocabulary import AlertEvent, Outcome

if TYPE_CHECKING:
    from analytics_scheduler.queries import Queries
    from analytics_scheduler.settings import AlertSettings

_LOGGER = logging.getLogger(__name__)
_ALERT_EVENTS = {
    Outcome.SUCCESS: AlertEvent.SUCCESS,
    Outcome.PARTIAL: AlertEvent.PARTIAL,
    Outcome.FAILED: AlertEvent.FAILURE,
}
_LONGEST_REASON = 500
_FAILURES_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """A run of a task that has ended; `report` is what its record and its alerts keep.

    `finished_at` is the time by this machine's clock; the record has the database's.
    """

    task: str
    run_id: str
    outcome: Outcome
    started_at: datetime
    report: Mapping[str, Any]
    finished_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def event(self) -> AlertEvent | None:
        """The alert event that the outcome gives rise to, or None for a deferred run."""
        return _ALERT_EVENTS.get(self.outcome)

    @property
    def last_day(self) -> date | None:
        """The last day that the run wrote or should have written, if the report names one."""
        day = self.report.get("last_day")
        return date.fromisoformat(str(day)) if day else None

    def as_dict(self) -> dict[str, Any]:
        """Return the value of `run` in the body of an alert."""
        return {
            "id": self.run_id,
            "outcome": self.outcome,
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at.isoformat(),
            "report": dict(self.report),
        }

    def sentence(self) -> str:
        """Return how the run ended, in one sentence."""
        if self.outcome is Outcome.SUCCESS:
            return f"{self.task} succeeded."
        verb = "failed" if self.outcome is Outcome.FAILED else "was not completed"
        reason = self.report.get("reason") or _problems(self.report)
        return f"{self.task} {verb}: {reason}" if reason else f"{self.task} {verb}."

    def log_line(self) -> str:
        """Return the run as key=value fields, with every single value of its report."""
        fields: dict[str, object] = {
            "event": "run",
            "task": self.task,
            "run": self.run_id,
            "outcome": self.outcome,
            "elapsed_seconds": round((self.finished_at - self.started_at).total_seconds(), 3),
        }
        for name, value in self.report.items():
            if isinstance(value, str | int | float):
                fields.setdefault(name, value)
        return " ".join(f"{name}={_field_value(value)}" for name, value in fields.items())


def finish_run(queries: Queries, run: FinishedRun, alerts: AlertSettings) -> bool:
    """Store the record of a run and the alerts it gives rise to, commit, and log one line.

    A run has one record and one alert, however often Airflow repeats it: return whether this
    outcome is news. The report gets this process's peak memory, in MiB, unless it has one. Alerts
    that cannot be stored are logged; the record is stored without them.
    """
    run = replace(run, report={"peak_memory_mib": peak_memory_mib(), **run.report})
    with queries.connection.transaction():
        [(finished_at, replaced_outcome)] = queries.run(
            "store_run",
            task=run.task,
            run_id=run.run_id,
            outcome=run.outcome,
            started_at=run.started_at,
            report=json.dumps(run.report, default=str),
            since=run.started_at - CLOCK_SKEW,
        )
        run = replace(run, finished_at=finished_at)
        is_news: bool = replaced_outcome != run.outcome
        if is_news:
            _queue_alerts(queries, run, alerts)
    _LOGGER.info("%s", run.log_line())
    return is_news


def is_recorded(queries: Queries, run: FinishedRun) -> bool:
    """Return whether a run has been recorded since it started, and leave no transaction open.

    A run that is cleared starts again, and gets another record.
    """
    since = run.started_at - CLOCK_SKEW
    found = queries.value("is_run_recorded", task=run.task, run_id=run.run_id, since=since)
    queries.connection.rollback()
    return bool(found)


def reason_of(error: BaseException | str | None) -> str:
    """Return an error as a short text without passwords, for the `reason` of a report."""
    if error is None:
        return "the task was stopped from outside, or its process ended without an error"
    text = scrubbed(" ".join(str(error).split())) or type(error).__name__
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}..."


def _queue_alerts(queries: Queries, run: FinishedRun, alerts: AlertSettings) -> None:
    if alerts.url is None or run.event is None:
        return
    body = run.as_dict()
    message = build_message(run.event, run.task, at=run.finished_at, text=run.sentence(), run=body)
    try:
        with open_outbox(queries, alerts) as outbox:
            outbox.add(message, task=run.task, at=run.finished_at, last_day=run.last_day)
            if run.outcome is Outcome.SUCCESS:
                outbox.close_incident(run.task, at=run.finished_at, last_day=run.last_day, run=body)
    except psycopg.Error as error:
        _LOGGER.warning("event=alert_not_stored run=%s reason=%r", run.run_id, refusal(error))


def _problems(report: Mapping[str, Any]) -> str:
    """Return the first failures of a report, or its warnings."""
    failures = report.get("failures") or []
    if not failures:
        return "; ".join(report.get("warnings") or [])
    shown = "; ".join(_described(failure) for failure in failures[:_FAILURES_SHOWN])
    more = int(report.get("failed", len(failures))) - _FAILURES_SHOWN
    return f"{shown}; and {more} more" if more > 0 else shown


def _described(failure: Mapping[str, Any]) -> str:
    days = f" ({failure['days']})" if failure.get("days") else ""
    return f"{failure['location']}{days}: {failure['reason']}"


def _field_value(value: object) -> str:
    text = str(value)
    return text if text and not set(text) & set(' ="\n\r\t') else repr(text)
