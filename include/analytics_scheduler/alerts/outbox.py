"""The outbox: what happened is stored with the run that it is about, and leaves once it arrived.

A task has at most one open incident. Whatever else goes wrong with the task until a success
belongs to it and is told no more.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import psycopg
from psycopg import Connection

from analytics_scheduler.alerts.events import OPENING, Incident, Lateness, Message, RunEnd, compose
from analytics_scheduler.database import refusal, statement
from analytics_scheduler.errors import SettingError
from analytics_scheduler.freshness import TaskFreshness
from analytics_scheduler.settings import AlertSettings, DatabaseSettings
from analytics_scheduler.vocabulary import FreshnessState

_LOGGER = logging.getLogger(__name__)
_LOCK_MILLISECONDS = "2000"


@dataclass(frozen=True, slots=True)
class Outbox:
    """The table of alerts behind a connection; nothing commits by itself."""

    connection: Connection[Any]
    database: DatabaseSettings
    settings: AlertSettings

    def note_run(self, run: RunEnd) -> None:
        """Store what the end of a run means: an alert of its own, and the end of an incident."""
        if run.event is None:
            return
        message = compose(run.event, run.task, at=run.finished_at, words=run.words(), run=run)
        self._insert(message, run.task, run.finished_at, run.last_day)
        if run.event == "success":
            self.note_success(run.task, run.finished_at, run.last_day, run=run)

    def note_success(
        self, task: str, at: datetime, last_day: date | None, *, run: RunEnd | None = None
    ) -> None:
        """End the incident of a task, where there is one that this success answers."""
        row = self._execute(
            "resolve_incident", {"task": task, "succeeded_at": at, "last_day": last_day}
        ).fetchone()
        if row is None:
            return
        incident = Incident(id=row[0], opened_by=row[1], opened_at=row[2])
        since = incident.opened_at.isoformat(timespec="seconds")
        words = f"{task} recovered from what began at {since}."
        message = compose("recovered", task, at=at, words=words, run=run, incident=incident)
        self._insert(message, task, at, None)

    def note_freshness(self, task: TaskFreshness, *, now: datetime) -> None:
        """Store that a task is overdue, or that one which was in trouble has succeeded since."""
        success = task.success
        if task.freshness.state is FreshnessState.FRESH and success is not None:
            self.note_success(task.task, success.finished_at, success.last_day)
        if not task.freshness.is_overdue or task.freshness.due is None:
            return
        lateness = Lateness(
            task=task.task,
            due=task.freshness.due,
            last_success=success.finished_at if success else None,
        )
        words = lateness.words()
        message = compose("overdue", task.task, at=now, words=words, lateness=lateness)
        self._insert(message, task.task, now, task.owed_day)

    def _insert(self, message: Message, task: str, at: datetime, last_day: date | None) -> None:
        is_wanted = message.event in self.settings.events
        self._execute(
            "insert_alert",
            {
                "id": message.id,
                "event": message.event,
                "task": task,
                "body": message.body,
                "created_at": at,
                "state": "waiting" if is_wanted else "not wanted",
                "opens_incident": message.event in OPENING,
                "last_day": last_day if message.event in OPENING else None,
            },
        )

    def _execute(self, name: str, parameters: dict[str, Any]) -> psycopg.Cursor[Any]:
        return self.connection.execute(statement(f"{name}", self.database), parameters)


def store_run(connection: Connection[Any], database: DatabaseSettings, run: RunEnd) -> None:
    """Store the alerts of a run in the transaction of its record; a failure costs a warning."""
    try:
        settings = AlertSettings.load()
        if settings.url is None:
            return
        with connection.transaction():
            _hurry(connection)
            Outbox(connection, database, settings).note_run(run)
    except (SettingError, psycopg.Error) as error:
        _LOGGER.warning("event=alert_not_stored run=%s reason=%r", run.run_id, _words(error))


def store_task_freshness(
    connection: Connection[Any],
    database: DatabaseSettings,
    settings: AlertSettings,
    tasks: Iterable[TaskFreshness],
) -> None:
    """Store which tasks are overdue, and which are no more; commits."""
    outbox = Outbox(connection, database, settings)
    with connection.transaction():
        now = _hurry(connection)
        for task in tasks:
            outbox.note_freshness(task, now=now)


def _hurry(connection: Connection[Any]) -> datetime:
    """Let nobody else's lock hold up a run for long; return the time by the database's clock.

    Incidents are opened and ended by that one clock, whoever finds them.
    """
    row = connection.execute(
        "SELECT clock_timestamp(), set_config('lock_timeout', %s, true)", (_LOCK_MILLISECONDS,)
    ).fetchone()
    moment: datetime = row[0] if row else datetime.now(UTC)
    return moment


def _words(error: SettingError | psycopg.Error) -> str:
    return refusal(error) if isinstance(error, psycopg.Error) else str(error)
