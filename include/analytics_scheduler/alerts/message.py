"""The message of an alert: one JSON object, with the same fields for every event.

The text is written once, when the event happens; every attempt to deliver it sends the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

from analytics_scheduler.vocabulary import AlertEvent

_UNSTORED = UUID("9d0d1a0e-4c0f-5a57-9b53-1f0f6f1c2f6a")


@dataclass(frozen=True, slots=True)
class Message:
    """An alert as it is stored, signed and sent; `body` is the JSON text."""

    id: UUID
    event: AlertEvent
    body: str


@dataclass(frozen=True, slots=True)
class Incident:
    """A problem of a task, from the alert that reported it until a success closes it.

    `id` is the id of that alert, and `opened_by` its event.
    """

    id: UUID
    opened_by: AlertEvent
    opened_at: datetime

    def as_dict(self) -> dict[str, str]:
        """Return the value of `incident` in a body."""
        return {
            "id": str(self.id),
            "opened_by": self.opened_by,
            "opened_at": self.opened_at.isoformat(),
        }


def build_message(
    event: AlertEvent,
    task: str | None,
    *,
    at: datetime,
    text: str,
    message_id: UUID | None = None,
    run: Mapping[str, Any] | None = None,
    overdue: Mapping[str, Any] | None = None,
    incident: Incident | None = None,
) -> Message:
    """Return the message of an event. An incident that it opens has the id of the message.

    `text` says in a sentence what happened; `run` and `overdue` go into the body as they are.
    """
    new_id = message_id or uuid4()
    if event.opens_incident:
        incident = Incident(new_id, event, at)
    body = {
        "id": str(new_id),
        "event": event,
        "task": task,
        "at": at.isoformat(),
        "message": text,
        "incident": incident.as_dict() if incident else None,
        "run": run,
        "overdue": overdue,
    }
    return Message(new_id, event, json.dumps(body, default=str, ensure_ascii=False))


def unstored_id(task: str, run_id: str) -> UUID:
    """Return the id of a failure that is sent without being stored.

    It depends on the run alone, so that a receiver recognizes the alert if it is sent twice.
    """
    return uuid5(_UNSTORED, f"{task} {run_id}")
