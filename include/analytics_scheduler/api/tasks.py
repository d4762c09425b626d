"""`GET tasks` lists the active tasks; `PATCH tasks/{name}` changes a schedule or pauses a task."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from analytics_scheduler import setting_parsers
from analytics_scheduler.api import audit
from analytics_scheduler.api.auth import Caller
from analytics_scheduler.api.messages import Answer, ApiError, Request, quoted, success
from analytics_scheduler.api.metadata import lock_task, metadata_session, read_tasks, set_paused
from analytics_scheduler.api.stored_schedules import (
    read_stored_schedules,
    request_parsing,
    store_schedule,
)
from analytics_scheduler.cron import parse_schedule
from analytics_scheduler.orchestration.schedules import (
    DOCUMENTED_TASKS,
    StoredSchedule,
    in_documented_order,
)

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from analytics_scheduler.api.records import TaskRecord

_IN_FORCE = "when Airflow has parsed the DAG file again, within a minute"
_EXPECTED = (
    'Send an object with "schedule" (a cron string or null), "paused" (true or false), or both.'
)
_MAX_RECORDED_BYTES = 1000
_MAX_SHOWN_CHARACTERS = 60

TASKS_EXAMPLE: Mapping[str, Any] = {
    "success": True,
    "data": {"tasks": list(DOCUMENTED_TASKS)},
}
CHANGE_EXAMPLE: Mapping[str, Any] = {"schedule": "30 2 * * *", "paused": False}
CHANGED_EXAMPLE: Mapping[str, Any] = {
    "success": True,
    "message": "daily-snapshot changed successfully",
    "data": {
        "task": "daily-snapshot",
        "previous_schedule": None,
        "schedule": "30 2 * * *",
        "in_force": _IN_FORCE,
        "previous_paused": True,
        "paused": False,
    },
}
CHANGE_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "schedule": {"type": ["string", "null"]},
        "paused": {"type": "boolean"},
    },
    "additionalProperties": False,
    "minProperties": 1,
}


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a task: with `sets_schedule`, a `schedule` of None restores the setting."""

    sets_schedule: bool
    schedule: str | None
    paused: bool | None


def list_tasks() -> Answer:
    """Answer with the names of the active tasks: the documented ones, then the user's own."""
    with metadata_session() as session:
        tasks = read_tasks(session)
    active = [name for name, task in tasks.items() if task.is_active]
    return success(data={"tasks": in_documented_order(active)})


def attempt_of_change(request: Request, name: str) -> audit.Attempt:
    """Return what the audit log says about a request for a change, valid or not."""
    body = request.body[:_MAX_RECORDED_BYTES].decode("utf-8", "replace")
    return audit.Attempt(audit.CHANGE, None, {"action": "change", "task": name, "body": body})


def change_task(name: str, body: bytes, caller: Caller) -> Answer:
    """Change a task, and answer with the new and the previous values.

    Raises ApiError: 400 for a body that is not allowed, 404 for an unknown task.
    """
    change = parse_change(body)
    with metadata_session() as session:
        task = lock_task(session, name)
        if task is None:
            known = ", ".join(sorted(read_tasks(session))) or "none"
            raise ApiError(404, f"There is no task {quoted(name)}. The tasks are: {known}.")
        done = _apply(session, task, change, caller)
        attempt = audit.Attempt(audit.CHANGE, name, {"action": "change", "task": name})
        audit.record_allowed(session, attempt, caller.name, **done)
    if change.sets_schedule:
        request_parsing(name)
    return success(message=f"{name} changed successfully", data={"task": name, **done})


def parse_change(body: bytes) -> Change:
    """Return the change that a request's body describes; any other body raises ApiError (400)."""
    try:
        wanted = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ApiError(400, f"The body is not valid JSON in UTF-8. {_EXPECTED}") from error
    if not isinstance(wanted, dict):
        raise ApiError(400, f"The body is not a JSON object. {_EXPECTED}")
    if not wanted:
        raise ApiError(400, f"The body names no change. {_EXPECTED}")
    unknown = sorted(set(wanted) - {"schedule", "paused"})
    if unknown:
        raise ApiError(400, f"The body has the unknown key {quoted(unknown[0])}. {_EXPECTED}")
    paused = wanted.get("paused")
    if "paused" in wanted and not isinstance(paused, bool):
        raise ApiError(400, f"paused must be true or false, got {_json_text(paused)}.")
    return Change("schedule" in wanted, _schedule(wanted.get("schedule")), paused)


def _schedule(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise ApiError(400, f"schedule must be a cron string or null, got {_json_text(value)}.")
    try:
        return parse_schedule(value)
    except ValueError as error:
        raise ApiError(
            400,
            f"schedule must be {setting_parsers.cron.allowed}, got {quoted(value)}: {error}.",
        ) from error


def _json_text(value: object) -> str:
    if isinstance(value, list | dict):
        return "an array" if isinstance(value, list) else "an object"
    return json.dumps(value)[:_MAX_SHOWN_CHARACTERS]


def _apply(session: Session, task: TaskRecord, change: Change, caller: Caller) -> dict[str, Any]:
    """Make the change, and return the new and the previous values."""
    done: dict[str, Any] = {}
    if change.sets_schedule:
        previous = read_stored_schedules(session).get(task.name)
        done["previous_schedule"] = previous.schedule if previous else None
        done["schedule"] = change.schedule
        done["in_force"] = _IN_FORCE
        store_schedule(session, task.name, _stored(change.schedule, caller))
    if change.paused is not None:
        done["previous_paused"] = task.is_paused
        done["paused"] = change.paused
        set_paused(session, task.name, paused=change.paused)
    return done


def _stored(schedule: str | None, caller: Caller) -> StoredSchedule | None:
    if schedule is None:
        return None
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return StoredSchedule(schedule, changed_by=caller.name, changed_at=now)
