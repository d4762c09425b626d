"""`GET health`: is everything there that the snapshots need, and does every task still beat?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from analytics_scheduler.api.messages import Answer, ApiError, Request, success
from analytics_scheduler.api.metadata import metadata_session
from analytics_scheduler.api.probes import probe_cache, probe_database
from analytics_scheduler.api.status import TaskView, view_tasks
from analytics_scheduler.settings import SCHEDULE_DEFAULTS

if TYPE_CHECKING:
    from analytics_scheduler.api.auth import Caller

HEALTHY = "healthy"
DEGRADED = "degraded"
UNHEALTHY = "unhealthy"


def show_health(request: Request, _name: str, _caller: Caller) -> Answer:
    """Answer 200 when healthy or degraded, 503 with what is wrong when not.

    Without the cache snapshots are written all the same, so its loss only degrades.
    """
    request.parameters()
    now = datetime.now(UTC)
    with metadata_session() as session:
        views = view_tasks(session, now=now)
    database, cache = probe_database(), probe_cache()
    tasks = {view.task.name: _freshness(view) for view in views}
    tasks |= {name: {"pulse": "missing"} for name in SCHEDULE_DEFAULTS if name not in tasks}
    wrong = [f"{name} is {task['pulse']}" for name, task in tasks.items() if _is_red(task)]
    if database.is_down:
        wrong.insert(0, "the database is down")
    state = UNHEALTHY if wrong else DEGRADED if cache.is_down else HEALTHY
    data = {
        "status": state,
        "database": database.as_dict(),
        "cache": cache.as_dict(),
        "tasks": tasks,
    }
    if wrong:
        raise ApiError(503, f"Unhealthy: {', '.join(wrong)}", data=data)
    return success(data=data)


def _freshness(view: TaskView) -> dict[str, Any]:
    success_at = view.last_success.ended_at if view.last_success else None
    return {
        "pulse": _state(view),
        "due": view.freshness.due.isoformat() if view.freshness.due else None,
        "last_success": success_at.isoformat() if success_at else None,
    }


def _state(view: TaskView) -> str:
    if view.task.is_missing:
        return "missing"
    if view.task.is_broken:
        return "broken"
    return view.freshness.state.value


def _is_red(task: dict[str, Any]) -> bool:
    return task["pulse"] in {"missing", "broken", "overdue"}
