"""The table of the endpoints: what both surfaces serve, and what the description is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from analytics_scheduler.api.audit import Attempt
from analytics_scheduler.api.auth import Caller
from analytics_scheduler.api.description import show_description, show_page
from analytics_scheduler.api.health import show_health
from analytics_scheduler.api.messages import Answer, ApiError, Request, quoted
from analytics_scheduler.api.snapshots import show_snapshots
from analytics_scheduler.api.status import list_tasks, show_status
from analytics_scheduler.api.tasks import change_task, describe_change
from analytics_scheduler.api.trigger import describe_trigger, trigger_snapshot

MOUNT = "/api/scheduler"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint: a path, or a prefix that ends with a slash and takes one name after it.

    `describe` says what an attempt stands for in the audit log; reading is not audited.
    """

    method: str
    path: str
    answer: Callable[[Request, str, Caller], Answer]
    parameter: str | None = None
    describe: Callable[[Request, str], Attempt] | None = None

    @property
    def template(self) -> str:
        """Return the path as OpenAPI writes it."""
        return self.path if self.parameter is None else f"{self.path}{{{self.parameter}}}"

    def name_in(self, path: str) -> str | None:
        """Return the name that a path gives (empty where none is taken), or None: not this one."""
        if self.parameter is None:
            return "" if path == self.path else None
        return path.removeprefix(self.path) if path.startswith(self.path) else None


ROUTES: tuple[Route, ...] = (
    Route("GET", "/tasks", list_tasks),
    Route("POST", "/trigger/", trigger_snapshot, parameter="type", describe=describe_trigger),
    Route("GET", "/status", show_status),
    Route("GET", "/health", show_health),
    Route("GET", "/snapshots", show_snapshots),
    Route("PATCH", "/tasks/", change_task, parameter="name", describe=describe_change),
    Route("GET", "/openapi.json", show_description),
    Route("GET", "/docs", show_page),
)


def find_route(request: Request) -> tuple[Route, str]:
    """Return the endpoint that a request names and the name in its path, or refuse: 404, 405."""
    allowed: list[str] = []
    for route in ROUTES:
        name = route.name_in(request.path)
        if name is None:
            continue
        if route.method == request.method:
            return route, name
        allowed.append(route.method)
    if allowed:
        raise ApiError(
            405,
            f"The method {quoted(request.method)} is not allowed here: {', '.join(allowed)} is.",
            headers={"Allow": ", ".join(allowed)},
        )
    raise ApiError(404, f"There is no endpoint {quoted(request.path)}.")
