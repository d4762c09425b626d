"""Registers the HTTP endpoints with Airflow, and contains nothing else.

Airflow executes this file in every process, including one for each task. So only a process that
serves requests imports a web framework: Starlette with the first request, Flask when the API server
asks for the blueprints.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


async def serve(scope: Scope, receive: Receive, send: Send) -> None:
    """Pass a request on to the application, which the first request imports."""
    from analytics_scheduler.api.asgi_app import app

    await app(scope, receive, send)


class AnalyticsSchedulerPlugin(AirflowPlugin):
    """Serves the endpoints below `/api/scheduler`, and with FAB also below `/pluginsv2`."""

    name = "analytics_scheduler"
    fastapi_apps = [  # noqa: RUF012
        {"app": serve, "url_prefix": "/api/scheduler", "name": "Analytics Scheduler"}
    ]

    @property
    def flask_blueprints(self) -> list[Any]:  # type: ignore[override]
        """The blueprint; without FAB there is none, because Airflow would not start with one."""
        if find_spec("airflow.providers.fab") is None:
            return []
        from analytics_scheduler.api.flask_blueprint import make_blueprint

        return [make_blueprint()]
