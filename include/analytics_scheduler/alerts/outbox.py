"""The outbox: alerts are stored in the transaction of what they report, and sent afterwards.

A task has at most one open incident. A failure, a partial run or a missed due time opens it; a
success that covers the missing days closes it. Whatever else goes wrong with the task in between
belongs to the same incident and causes no alert.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from analytics_scheduler.alerts.message import Incident, Message, build_message
from analytics_scheduler.vocabulary import AlertEvent, AlertState

if TYPE_CHECKING:
    from analytics_scheduler.queries import Queries
    from analytics_scheduler.settings import AlertSettings

_LOCK_MILLISECONDS = 2_000


@dataclass(frozen=True, slots=True)
class Outbox:
    """The table of alerts, open within a transaction.

    `now` is the time by the database's clock, which dates whatever the caller has found just now:
    incidents are opened and closed by this one clock, whichever machine reports them.
    """

    queries: Queries
    wanted: frozenset[AlertEvent]
    now: datetime

    def add(
        self, message: Message, *, task: str, at: datetime, last_day: date | None = None
    ) -> None:
        """Store a message, or let an open incident of the task absorb it.

        `last_day` is the last day that is missing: a success closes the incident only if it
        reaches that day.
        """
        opens_incident = message.event.opens_incident
        is_wanted = message.event in self.wanted
        self.queries.run(
            "insert_alert",
            id=message.id,
            event=message.event,
            task=task,
            body=message.body,
            created_at=at,
            state=AlertState.WAITING if is_wanted else AlertState.NOT_WANTED,
            opens_incident=opens_incident,
            last_day=last_day if opens_incident else None,
        )

    def close_incident(
        self,
        task: str,
        *,
        at: datetime,
        last_day: date | None,
        run: Mapping[str, Any] | None = None,
    ) -> None:
        """Close the open incident that a success covers, if any, and store that it recovered.

        `at` and `last_day` are the end of the success and the last day that it wrote.
        """
        row = self.queries.run(
            "close_incident", task=task, succeeded_at=at, last_day=last_day
        ).fetchone()
        if row is None:
            return
        alert_id, event, opened_at = row
        incident = Incident(alert_id, AlertEvent(event), opened_at)
        text = (
            f"{task} recovered: the incident opened at "
            f"{opened_at.isoformat(timespec='seconds')} is closed."
        )
        message = build_message(
            AlertEvent.RECOVERED, task, at=at, text=text, run=run, incident=incident
        )
        self.add(message, task=task, at=at)


@contextmanager
def open_outbox(queries: Queries, settings: AlertSettings) -> Iterator[Outbox]:
    """Open the outbox in a transaction, or in a savepoint of the transaction that is open.

    No statement waits longer than two seconds for a lock, so that a run never waits for long
    because of its alerts.
    """
    with queries.connection.transaction():
        now = queries.value("begin_alerts", lock_timeout=str(_LOCK_MILLISECONDS))
        yield Outbox(queries, settings.events, now)
