"""The endpoints, one row each. To add one, write its handler and its row here.

Both surfaces serve these rows, and the OpenAPI document and its page are made from them. Only
administrators can use an endpoint. A handler receives what its parameters name: see `Call`.
"""

from __future__ import annotations

from analytics_scheduler.api import openapi
from analytics_scheduler.api.health import HEALTHY_EXAMPLE, UNHEALTHY_EXAMPLE, show_health
from analytics_scheduler.api.messages import Answer, to_json
from analytics_scheduler.api.routing import Endpoint, Parameter
from analytics_scheduler.api.snapshots import (
    CSV_TYPE,
    FORMATS,
    MAX_ROWS,
    SNAPSHOTS_EXAMPLE,
    show_snapshots,
)
from analytics_scheduler.api.status import STATUS_EXAMPLE, show_status
from analytics_scheduler.api.tasks import (
    CHANGE_EXAMPLE,
    CHANGE_SCHEMA,
    CHANGED_EXAMPLE,
    TASKS_EXAMPLE,
    attempt_of_change,
    change_task,
    list_tasks,
)
from analytics_scheduler.api.trigger import TRIGGERED_EXAMPLE, attempt_of_trigger, trigger_snapshot
from analytics_scheduler.vocabulary import PeriodType

_TEXT = {"type": "string"}
_DAY = {"type": "string", "format": "date"}
_UUID = {"type": "string", "format": "uuid"}
_PERIOD_TYPE = {"type": "string", "enum": PeriodType.words()}


def show_document() -> Answer:
    """Answer with the OpenAPI document of the endpoints."""
    return Answer(200, to_json(openapi.document(ENDPOINTS)))


def show_page() -> Answer:
    """Answer with a page made from the OpenAPI document, which loads nothing and runs nothing."""
    headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    html = openapi.page(ENDPOINTS).encode("utf-8")
    return Answer(200, html, "text/html; charset=utf-8", headers)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/tasks",
        list_tasks,
        "List the active tasks: the documented ones, then your own by name",
        examples={200: TASKS_EXAMPLE},
    ),
    Endpoint(
        "POST",
        "/trigger/{type}",
        trigger_snapshot,
        "Start a snapshot run for the last complete period, or for the one that contains a date",
        examples={200: TRIGGERED_EXAMPLE},
        path_parameter=Parameter("type", _PERIOD_TYPE, "daily"),
        query=(Parameter("date", _DAY, "2026-11-01"),),
        headers={"Location": "The DAG run in Airflow's REST API"},
        errors=(409, 413),
        attempt=attempt_of_trigger,
    ),
    Endpoint(
        "GET",
        "/status",
        show_status,
        "Show every task's schedule, runs and durations, and the coverage of the last periods",
        examples={200: STATUS_EXAMPLE},
    ),
    Endpoint(
        "GET",
        "/health",
        show_health,
        "Check the database, the cache, and whether every task is on time",
        examples={200: HEALTHY_EXAMPLE, 503: UNHEALTHY_EXAMPLE},
    ),
    Endpoint(
        "GET",
        "/snapshots",
        show_snapshots,
        "Read the stored snapshots, ordered by location, period type and period start",
        examples={200: SNAPSHOTS_EXAMPLE},
        query=(
            Parameter("period", _PERIOD_TYPE),
            Parameter("location_id", _UUID),
            Parameter("from", _DAY, "2026-11-01"),
            Parameter("to", _DAY, "2026-11-30"),
            Parameter("limit", {"type": "integer", "minimum": 1, "maximum": MAX_ROWS}, 100),
            Parameter("after", {**_TEXT, "description": "`next` of the previous page"}),
            Parameter("format", {"type": "string", "enum": list(FORMATS)}, "json"),
        ),
        headers={"Link": "The next page, if there is one"},
        other_types=(CSV_TYPE,),
    ),
    Endpoint(
        "PATCH",
        "/tasks/{name}",
        change_task,
        "Change a task's schedule (null restores its setting), pause it, or unpause it",
        examples={200: CHANGED_EXAMPLE},
        path_parameter=Parameter("name", _TEXT, "daily-snapshot"),
        body_schema=CHANGE_SCHEMA,
        body_example=CHANGE_EXAMPLE,
        errors=(404, 413),
        attempt=attempt_of_change,
    ),
    Endpoint(
        "GET", "/openapi.json", show_document, "Show the OpenAPI document", is_documented=False
    ),
    Endpoint("GET", "/docs", show_page, "Show the page of the document", is_documented=False),
)
