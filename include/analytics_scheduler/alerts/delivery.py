"""Deliver what waits in the outbox: a bounded share of it, by whoever has a moment.

Several senders may work at once. Each takes one alert at a time and commits that before it sends;
a sender that dies leaves the alert to come up again. So an alert arrives at least once, and each
delivery of it has the same id and body.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from typing import Any

from psycopg import Connection

from analytics_scheduler.alerts.events import Message
from analytics_scheduler.alerts.webhook import post
from analytics_scheduler.database import connected, statement
from analytics_scheduler.errors import AlertNotSentError, AnalyticsError
from analytics_scheduler.settings import AlertSettings, DatabaseSettings

_LOGGER = logging.getLogger(__name__)
FIRST_PAUSE_SECONDS = 60
LONGEST_PAUSE_SECONDS = 3_600
GIVEN_UP_AFTER_DAYS = 7
_ALERTS_AT_ONCE = 20
_SECONDS_AT_ONCE = 10.0
_STATEMENT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Delivery:
    """How many alerts arrived, and how many attempts failed."""

    delivered: int = 0
    failed: int = 0


def send_waiting(*, through_airflow: bool = False, seconds: float = _SECONDS_AT_ONCE) -> Delivery:
    """Deliver what waits, over a connection of its own; whatever goes wrong costs a warning.

    No attempt begins after so many seconds.
    """
    try:
        settings = AlertSettings.load()
        if settings.url is None:
            return Delivery()
        database = hurried(DatabaseSettings.load())
        with connected(database, through_airflow=through_airflow) as connection:
            return deliver(connection, database, settings, seconds=seconds)
    except AnalyticsError as error:
        _LOGGER.warning("event=alerts_not_sent reason=%r", str(error))
        return Delivery()


def hurried(database: DatabaseSettings) -> DatabaseSettings:
    """Return the settings of a connection on which no statement takes long."""
    return replace(
        database, task_timeout_seconds=min(database.task_timeout_seconds, _STATEMENT_SECONDS)
    )


def deliver(
    connection: Connection[Any],
    database: DatabaseSettings,
    settings: AlertSettings,
    *,
    seconds: float = _SECONDS_AT_ONCE,
) -> Delivery:
    """Send the alerts that are due, oldest first, until some number or some seconds are reached.

    A receiver that cannot be reached is not asked a second time; one that refuses an alert may
    still take the next.
    """
    _give_up(connection, database)
    delivered = failed = 0
    stop_at = time.monotonic() + seconds
    while delivered + failed < _ALERTS_AT_ONCE and time.monotonic() < stop_at:
        message = _claim(connection, database)
        if message is None:
            break
        try:
            answer = post(settings, message)
        except AlertNotSentError as error:
            _note(connection, database, message, str(error), is_delivered=False)
            failed += 1
            break
        _note(connection, database, message, str(answer), is_delivered=answer.is_accepted)
        delivered += answer.is_accepted
        failed += not answer.is_accepted
    return Delivery(delivered, failed)


def _give_up(connection: Connection[Any], database: DatabaseSettings) -> None:
    with connection.transaction():
        rows = connection.execute(
            statement("give_up_alerts", database), {"days": GIVEN_UP_AFTER_DAYS}
        ).fetchall()
    for alert_id, event, task, attempts, answer in rows:
        _LOGGER.error(
            "event=alert_given_up alert=%s kind=%s task=%s attempts=%s days=%s last_answer=%r",
            alert_id,
            event,
            task,
            attempts,
            GIVEN_UP_AFTER_DAYS,
            answer,
        )


def _claim(connection: Connection[Any], database: DatabaseSettings) -> Message | None:
    pauses = {"first_pause": FIRST_PAUSE_SECONDS, "longest_pause": LONGEST_PAUSE_SECONDS}
    with connection.transaction():
        row = connection.execute(statement("claim_alert", database), pauses).fetchone()
    return Message(*row) if row else None


def _note(
    connection: Connection[Any],
    database: DatabaseSettings,
    message: Message,
    answer: str,
    *,
    is_delivered: bool,
) -> None:
    with connection.transaction():
        connection.execute(
            statement("record_answer", database),
            {"id": message.id, "answer": answer, "is_delivered": is_delivered},
        )
    level = logging.INFO if is_delivered else logging.WARNING
    word = "alert_delivered" if is_delivered else "alert_not_delivered"
    _LOGGER.log(level, "event=%s alert=%s kind=%s %s", word, message.id, message.event, answer)
