"""`PATCH tasks/{name}`: another schedule, the setting's again, a pause; at run time, by name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from analytics_scheduler.api import audit
from analytics_scheduler.api.messages import Answer, ApiError, Request, quoted, success
from analytics_scheduler.api.metadata import (
    ask_for_parsing,
    lock_task,
    metadata_session,
    read_stored_schedules,
    read_tasks,
    set_paused,
    store_schedule,
)
from analytics_scheduler.api.records import TaskRecord
from analytics_scheduler.cron import parse_schedule
from analytics_scheduler.orchestration.schedules import StoredSchedule

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from analytics_scheduler.api.auth import Caller

_ALLOWED = '{"schedule": "<cron string>" or null, "paused": true or false}, one or both'


@dataclass(frozen=True, slots=True)
class Change:
    """What is to change; `schedule` None with `sets_schedule` brings the setting back."""

    sets_schedule: bool
    schedule: str | None
    paused: bool | None


def describe_change(request: Request, name: str) -> audit.Attempt:
    """Return what a change stands for in the audit log."""
    body = request.body[:1000].decode("utf-8", "replace")
    asked = {"action": "change", "task": name, "body": body}
    return audit.Attempt(audit.CHANGE, None, asked)


def change_task(request: Request, name: str, caller: Caller) -> Answer:
    """Change a task, and answer with what holds now and what held before."""
    request.parameters()
    change = parse_change(request.body)
    with metadata_session() as session:
        lock_task(session, name)
        tasks = read_tasks(session)
        if name not in tasks:
            known = ", ".join(sorted(tasks)) or "none"
            raise ApiError(404, f"There is no task {quoted(name)}: the tasks are {known}.")
        done = _apply(session, tasks[name], change, caller)
        attempt = audit.Attempt(audit.CHANGE, name, {"action": "change", "task": name})
        audit.record_allowed(session, attempt, caller.name, done=done)
    if change.sets_schedule:
        ask_for_parsing(name)
    return success(message=f"{name} changed successfully", data={"task": name, **done})


def parse_change(body: bytes) -> Change:
    """Read a change from a request's body, or refuse it with what is allowed."""
    wanted = _object(body)
    unknown = sorted(set(wanted) - {"schedule", "paused"})
    if unknown or not wanted:
        what = f"knows no {quoted(unknown[0])}" if unknown else "is empty"
        raise ApiError(400, f"The body {what}: allowed is {_ALLOWED}.")
    paused = wanted.get("paused")
    if "paused" in wanted and not isinstance(paused, bool):
        raise ApiError(400, f"paused must be true or false: allowed is {_ALLOWED}.")
    return Change("schedule" in wanted, _schedule(wanted.get("schedule")), paused)


def _object(body: bytes) -> dict[str, Any]:
    try:
        wanted = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ApiError(400, f"The body is no JSON in UTF-8: allowed is {_ALLOWED}.") from error
    if not isinstance(wanted, dict):
        raise ApiError(400, f"The body is no JSON object: allowed is {_ALLOWED}.")
    return wanted


def _schedule(text: object) -> str | None:
    if text is None:
        return None
    if not isinstance(text, str):
        raise ApiError(400, f"schedule must be a text or null: allowed is {_ALLOWED}.")
    try:
        return parse_schedule(text)
    except ValueError as error:
        raise ApiError(
            400,
            f"The schedule {quoted(text)} cannot be used ({error}): allowed is a cron string of "
            "five fields, or six (seconds first) with the seconds 0.",
        ) from error


def _apply(session: Session, task: TaskRecord, change: Change, caller: Caller) -> dict[str, Any]:
    done: dict[str, Any] = {}
    if change.sets_schedule:
        before = read_stored_schedules(session).get(task.name)
        done["previous_schedule"] = before.schedule if before else None
        done["schedule"] = change.schedule
        done["in_force"] = "when the DAG file has been read again, within a minute"
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
