"""`GET health`: is everything there that the snapshots need, and does every task still beat?"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from analytics_scheduler.api.exchange import Answer, Refusal, Request, success
from analytics_scheduler.api.metadata import metadata_session
from analytics_scheduler.api.overview import TaskView, view_tasks
from analytics_scheduler.api.probes import probe_cache, probe_database
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
    hearts = {view.task.name: _heart(view) for view in views}
    hearts |= {name: {"pulse": "missing"} for name in SCHEDULE_DEFAULTS if name not in hearts}
    wrong = [f"{name} is {heart['pulse']}" for name, heart in hearts.items() if _is_red(heart)]
    if database.is_down:
        wrong.insert(0, "the database is down")
    state = UNHEALTHY if wrong else DEGRADED if cache.is_down else HEALTHY
    data = {
        "status": state,
        "database": database.as_dict(),
        "cache": cache.as_dict(),
        "tasks": hearts,
    }
    if wrong:
        raise Refusal(503, f"Unhealthy: {', '.join(wrong)}", data=data)
    return success(data=data)


def _heart(view: TaskView) -> dict[str, Any]:
    success_at = view.last_success.ended_at if view.last_success else None
    return {
        "pulse": _pulse(view),
        "due": view.heartbeat.due.isoformat() if view.heartbeat.due else None,
        "last_success": success_at.isoformat() if success_at else None,
    }


def _pulse(view: TaskView) -> str:
    if view.task.is_missing:
        return "missing"
    if view.task.is_broken:
        return "broken"
    return view.heartbeat.pulse.value


def _is_red(heart: dict[str, Any]) -> bool:
    return heart["pulse"] in {"missing", "broken", "overdue"}
