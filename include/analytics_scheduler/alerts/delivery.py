"""Send the alerts that wait in the outbox, a limited number at a time.

Several senders may work at once. Each claims one alert at a time and commits the claim before it
sends. If a sender dies, its alert becomes due again: an alert arrives at least once, and each
delivery has the same id and body.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from analytics_scheduler.alerts.message import Message
from analytics_scheduler.alerts.webhook import post
from analytics_scheduler.database import connected
from analytics_scheduler.errors import AlertNotSentError, AnalyticsError
from analytics_scheduler.queries import Queries
from analytics_scheduler.settings import AlertSettings, DatabaseSettings
from analytics_scheduler.vocabulary import AlertEvent

_LOGGER = logging.getLogger(__name__)
STATEMENT_SECONDS = 5
FIRST_PAUSE_SECONDS = 60
LONGEST_PAUSE_SECONDS = 3_600
GIVEN_UP_AFTER_DAYS = 7
_ALERTS_A_CALL = 20
_SECONDS_A_CALL = 10.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """How many alerts were delivered, and how many attempts failed."""

    delivered: int = 0
    failed: int = 0


def send_waiting(
    database: DatabaseSettings,
    settings: AlertSettings,
    *,
    through_airflow: bool = False,
    seconds: float = _SECONDS_A_CALL,
) -> Delivery:
    """Deliver what waits, over a connection of its own. Never raises: failures are logged.

    No attempt starts after `seconds`. Nothing is done if alerts are off.
    """
    if settings.url is None:
        return Delivery()
    limited = database.limited(STATEMENT_SECONDS)
    try:
        with connected(limited, through_airflow=through_airflow) as connection:
            return deliver(Queries(connection, limited), settings, seconds=seconds)
    except AnalyticsError as error:
        _LOGGER.warning("event=alerts_not_sent reason=%r", str(error))
        return Delivery()


def deliver(
    queries: Queries, settings: AlertSettings, *, seconds: float = _SECONDS_A_CALL
) -> Delivery:
    """Send the alerts that are due, oldest first, up to a number of alerts or seconds.

    If the receiver cannot be reached, the rest is left for later. If it refuses an alert, it may
    still accept the next.
    """
    _give_up_old(queries)
    delivered = failed = 0
    stop_at = time.monotonic() + seconds
    while delivered + failed < _ALERTS_A_CALL and time.monotonic() < stop_at:
        message = _claim_next(queries)
        if message is None:
            break
        try:
            response = post(settings, message)
        except AlertNotSentError as error:
            _record_attempt(queries, message, str(error), is_delivered=False)
            failed += 1
            break
        _record_attempt(queries, message, str(response), is_delivered=response.is_accepted)
        delivered += response.is_accepted
        failed += not response.is_accepted
    return Delivery(delivered, failed)


def _give_up_old(queries: Queries) -> None:
    with queries.connection.transaction():
        rows = queries.run("give_up_alerts", days=GIVEN_UP_AFTER_DAYS).fetchall()
    for alert_id, event, task, attempts, last_answer in rows:
        _LOGGER.error(
            "event=alert_given_up alert=%s kind=%s task=%s attempts=%s days=%s last_answer=%r",
            alert_id,
            event,
            task,
            attempts,
            GIVEN_UP_AFTER_DAYS,
            last_answer,
        )


def _claim_next(queries: Queries) -> Message | None:
    with queries.connection.transaction():
        row = queries.run(
            "claim_alert", first_pause=FIRST_PAUSE_SECONDS, longest_pause=LONGEST_PAUSE_SECONDS
        ).fetchone()
    if row is None:
        return None
    alert_id, event, body = row
    return Message(alert_id, AlertEvent(event), body)


def _record_attempt(queries: Queries, message: Message, answer: str, *, is_delivered: bool) -> None:
    with queries.connection.transaction():
        queries.run("record_attempt", id=message.id, answer=answer, is_delivered=is_delivered)
    level, event = (
        (logging.INFO, "alert_delivered")
        if is_delivered
        else (logging.WARNING, "alert_not_delivered")
    )
    _LOGGER.log(level, "event=%s alert=%s kind=%s %s", event, message.id, message.event, answer)
