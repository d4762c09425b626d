"""What an alert says: one JSON object, of the same form for every event.

The words are made once, when the event happens; each delivery repeats them byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4, uuid5

from analytics_scheduler.redaction import scrubbed

OPENING = frozenset({"failure", "partial", "overdue"})
TEST = "test"
_EVENT_OF_OUTCOME = {"success": "success", "partial": "partial", "failed": "failure"}
_UNSTORED = UUID("9d0d1a0e-4c0f-5a57-9b53-1f0f6f1c2f6a")
_LONGEST_REASON = 500
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Message:
    """What goes over the wire, but for the signature."""

    id: UUID
    event: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """A task's trouble, from the alert that told of it until a success."""

    id: UUID
    opened_by: str
    opened_at: datetime

    def as_dict(self) -> dict[str, str]:
        """Return the incident as plain data."""
        return {
            "id": str(self.id),
            "opened_by": self.opened_by,
            "opened_at": self.opened_at.isoformat(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnd:
    """A run that ended: the same as its record."""

    task: str
    run_id: str
    outcome: str
    started_at: datetime
    finished_at: datetime
    report: Mapping[str, Any]

    @property
    def event(self) -> str | None:
        """Return the event that the run is, or None for one that was put off."""
        return _EVENT_OF_OUTCOME.get(self.outcome)

    @property
    def last_day(self) -> date | None:
        """Return the last day that the run wrote or should have written, where it says so."""
        named = self.report.get("last_day")
        return date.fromisoformat(str(named)) if named else None

    def as_dict(self) -> dict[str, Any]:
        """Return the run as plain data."""
        return {
            "id": self.run_id,
            "outcome": self.outcome,
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at.isoformat(),
            "report": dict(self.report),
        }

    def words(self) -> str:
        """Return what happened in one sentence."""
        if self.outcome == "success":
            return f"{self.task} succeeded."
        reason = self.report.get("reason") or _missing(self.report)
        verb = "failed" if self.outcome == "failed" else "was not completed"
        return f"{self.task} {verb}{f': {reason}' if reason else '.'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lateness:
    """A task whose success is missing."""

    task: str
    due: datetime
    last_success: datetime | None

    def as_dict(self) -> dict[str, str | None]:
        """Return the lateness as plain data."""
        return {
            "due": self.due.isoformat(),
            "last_success": self.last_success.isoformat() if self.last_success else None,
        }

    def words(self) -> str:
        """Return what is missing in one sentence."""
        last = self.last_success.isoformat(timespec="seconds") if self.last_success else "never"
        due = self.due.isoformat(timespec="seconds")
        return f"{self.task} is overdue: due {due}, last success {last}."


def compose(
    event: str,
    task: str | None,
    *,
    at: datetime,
    words: str,
    message_id: UUID | None = None,
    run: RunEnd | None = None,
    lateness: Lateness | None = None,
    incident: Incident | None = None,
) -> Message:
    """Return the message of an event; one that opens an incident names itself as the incident."""
    new_id = message_id or uuid4()
    if event in OPENING:
        incident = Incident(id=new_id, opened_by=event, opened_at=at)
    body = {
        "id": str(new_id),
        "event": event,
        "task": task,
        "at": at.isoformat(),
        "message": words,
        "incident": incident.as_dict() if incident else None,
        "run": run.as_dict() if run else None,
        "overdue": lateness.as_dict() if lateness else None,
    }
    return Message(new_id, event, json.dumps(body, default=str, ensure_ascii=False))


def unstored_id(task: str, run_id: str) -> UUID:
    """Return the id of a failure that could not be stored: the same whenever the run is told of."""
    return uuid5(_UNSTORED, f"{task} {run_id}")


def reason_of(error: BaseException | None) -> str:
    """Return an error in short words that hold no password."""
    if error is None:
        return "the task was stopped from outside, or its process ended without a word"
    text = scrubbed(" ".join(str(error).split())) or type(error).__name__
    return text if len(text) <= _LONGEST_REASON else f"{text[:_LONGEST_REASON]}..."


def _missing(report: Mapping[str, Any]) -> str:
    failures = report.get("failures") or []
    quoted = "; ".join(_named(entry) for entry in failures[:_NAMED])
    if not quoted:
        return "; ".join(report.get("warnings") or [])
    more = int(report.get("failed", len(failures))) - _NAMED
    return f"{quoted}; and {more} more" if more > 0 else quoted


def _named(failure: Mapping[str, Any]) -> str:
    days = f" ({failure['days']})" if failure.get("days") else ""
    return f"{failure['location']}{days}: {failure['reason']}"
