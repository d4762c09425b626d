"""`GET health`: whether the servers respond, and whether every task is on time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from analytics_scheduler.api.messages import Answer, ApiError, success
from analytics_scheduler.api.metadata import metadata_session
from analytics_scheduler.api.probes import probe_cache, probe_database
from analytics_scheduler.api.task_status import TaskStatus, read_task_statuses
from analytics_scheduler.settings import SCHEDULE_DEFAULTS
from analytics_scheduler.vocabulary import FreshnessState, HealthStatus, ServerState

_TASK_EXAMPLE: Mapping[str, Any] = {
    "pulse": "fresh",
    "due": "2026-11-23T02:00:00+00:00",
    "last_success": "2026-11-23T02:00:09+00:00",
}
_SERVERS_EXAMPLE: Mapping[str, Any] = {
    "database": {"state": "ok", "milliseconds": 4.1},
    "cache": {"state": "ok", "milliseconds": 0.9},
}
HEALTHY_EXAMPLE: Mapping[str, Any] = {
    "success": True,
    "data": {
        "status": "healthy",
        **_SERVERS_EXAMPLE,
        "tasks": {"daily-snapshot": _TASK_EXAMPLE},
    },
}
UNHEALTHY_EXAMPLE: Mapping[str, Any] = {
    "success": False,
    "error": "Unhealthy: daily-snapshot is overdue",
    "data": {
        "status": "unhealthy",
        **_SERVERS_EXAMPLE,
        "tasks": {"daily-snapshot": {**_TASK_EXAMPLE, "pulse": "overdue"}},
    },
}


def show_health() -> Answer:
    """Answer with 200 if healthy or degraded, or raise ApiError (503) that lists what is wrong.

    The loss of the cache only degrades: without it, snapshots are still written.
    """
    with metadata_session() as session:
        statuses = read_task_statuses(session, now=datetime.now(UTC))
    database, cache = probe_database(), probe_cache()
    tasks = {status.task.name: _task_as_dict(status) for status in statuses}
    tasks |= {
        name: {"pulse": FreshnessState.MISSING.value}
        for name in SCHEDULE_DEFAULTS
        if name not in tasks
    }
    wrong = ["the database is down"] if database.state is ServerState.DOWN else []
    wrong += [
        f"{name} is {task['pulse']}"
        for name, task in tasks.items()
        if FreshnessState(task["pulse"]).is_unhealthy
    ]
    status = HealthStatus.DEGRADED if cache.state is ServerState.DOWN else HealthStatus.HEALTHY
    data = {
        "status": (HealthStatus.UNHEALTHY if wrong else status).value,
        "database": database.as_dict(),
        "cache": cache.as_dict(),
        "tasks": tasks,
    }
    if wrong:
        raise ApiError(503, f"Unhealthy: {', '.join(wrong)}", data=data)
    return success(data=data)


def _task_as_dict(status: TaskStatus) -> dict[str, Any]:
    due = status.freshness.due
    ended_at = status.last_success.ended_at if status.last_success else None
    return {
        "pulse": _pulse(status).value,
        "due": due.isoformat() if due else None,
        "last_success": ended_at.isoformat() if ended_at else None,
    }


def _pulse(status: TaskStatus) -> FreshnessState:
    if status.task.is_missing:
        return FreshnessState.MISSING
    if status.task.is_broken:
        return FreshnessState.BROKEN
    return status.freshness.state
