"""Registers the endpoints with Airflow; it holds no logic.

Airflow runs this file in every process, tasks included: the web frameworks are imported where
they serve, with the first request (FastAPI) or when the API server asks for blueprints (Flask).
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping


class LazyApp:
    """Import the app with the first request."""

    def __init__(self) -> None:
        self._app: Any = None

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Pass a request on."""
        if self._app is None:
            from analytics_scheduler.api.fastapi_app import create_app

            self._app = create_app()
        await self._app(scope, receive, send)


class AnalyticsSchedulerPlugin(AirflowPlugin):
    """The endpoints below /api/scheduler, and the same below /pluginsv2 where FAB is installed."""

    name = "analytics_scheduler"
    fastapi_apps = [  # noqa: RUF012
        {"app": LazyApp(), "url_prefix": "/api/scheduler", "name": "Analytics Scheduler"}
    ]

    @property
    def flask_blueprints(self) -> list[Any]:  # type: ignore[override]
        """Return the blueprint; without FAB Airflow would not start with one."""
        if find_spec("airflow.providers.fab") is None:
            return []
        from analytics_scheduler.api.flask_blueprint import make_blueprint

        return [make_blueprint()]
