"""The OpenAPI description of the endpoints, and a page of it that needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from analytics_scheduler.api import examples
from analytics_scheduler.api.messages import Answer, Request, to_json

if TYPE_CHECKING:
    from analytics_scheduler.api.auth import Caller

_ERROR = {"$ref": "#/components/schemas/Error"}
_REFUSALS = {
    "400": "A parameter, the path or the body is wrong; the error says what is allowed",
    "401": "No token, or one that is malformed, expired, revoked or foreign",
    "403": "Not an administrator",
    "404": "There is no such task",
    "405": "The method is not allowed here",
    "409": "The DAG is paused, broken or unknown, or a run is already waiting",
    "413": "The body is too long",
    "503": "Airflow's metadata database, or the database of the snapshots, is away",
}
_COMMON = ("400", "401", "403", "503")


def show_description(request: Request, _name: str, _caller: Caller) -> Answer:
    """Answer with the description as JSON."""
    request.parameters()
    return Answer(200, to_json(describe()))


def show_page(request: Request, _name: str, _caller: Caller) -> Answer:
    """Answer with a page for people."""
    request.parameters()
    headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return Answer(200, page(describe()).encode("utf-8"), "text/html; charset=utf-8", headers)


def describe() -> dict[str, Any]:
    """Return the description of every endpoint, with an example of each answer."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Analytics Scheduler", "version": version("analytics-scheduler")},
        "servers": [{"url": "/api/scheduler"}],
        "security": [{"bearer": []}],
        "paths": {
            "/tasks": {"get": _tasks()},
            "/trigger/{type}": {"post": _trigger()},
            "/status": {"get": _reading("How every task is doing", examples.STATUS)},
            "/health": {"get": _health()},
            "/snapshots": {"get": _snapshots()},
            "/tasks/{name}": {"patch": _change()},
        },
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": _object(("success", "error"), error={"type": "string"})},
        },
    }


def _tasks() -> dict[str, Any]:
    return _reading("The active tasks", examples.TASKS)


def _trigger() -> dict[str, Any]:
    kind = {"type": "string", "enum": ["daily", "weekly", "monthly"]}
    day = {"type": "string", "format": "date"}
    operation = _operation(
        "Start a snapshot of the last complete period, or of the one that holds a date",
        examples.TRIGGERED,
        parameters=[
            _parameter("type", kind, place="path", example="daily"),
            _parameter("date", day, example="2026-11-01"),
        ],
        refusals=("409", "413"),
    )
    operation["responses"]["200"]["headers"] = {
        "Location": {"description": "The DAG run", "schema": {"type": "string"}}
    }
    return operation


def _health() -> dict[str, Any]:
    operation = _reading("Database, cache, and the heartbeat of every task", examples.HEALTHY)
    operation["responses"]["503"]["content"]["application/json"]["example"] = examples.UNHEALTHY
    return operation


def _snapshots() -> dict[str, Any]:
    day = {"type": "string", "format": "date"}
    operation = _operation(
        "Read the stored snapshots, in the order of location, period and start",
        examples.SNAPSHOTS,
        parameters=[
            _parameter("period", {"type": "string", "enum": ["daily", "weekly", "monthly"]}),
            _parameter("location_id", {"type": "string", "format": "uuid"}),
            _parameter("from", day, example="2026-11-01"),
            _parameter("to", day, example="2026-11-30"),
            _parameter("limit", {"type": "integer", "minimum": 1, "maximum": 10000}, example=100),
            _parameter("after", {"type": "string", "description": "next of the page before"}),
            _parameter("format", {"type": "string", "enum": ["json", "csv"]}, example="json"),
        ],
    )
    operation["responses"]["200"]["content"]["text/csv"] = {"schema": {"type": "string"}}
    operation["responses"]["200"]["headers"] = {
        "Link": {"description": "The next page, where there is one", "schema": {"type": "string"}}
    }
    return operation


def _change() -> dict[str, Any]:
    operation = _operation(
        "Change a task's schedule (null: its setting again), pause it, or let it go on",
        examples.CHANGED,
        parameters=[_parameter("name", {"type": "string"}, place="path", example="daily-snapshot")],
        refusals=("404", "413"),
    )
    schema = {
        "type": "object",
        "properties": {
            "schedule": {"type": ["string", "null"]},
            "paused": {"type": "boolean"},
        },
        "additionalProperties": False,
        "minProperties": 1,
    }
    operation["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": schema, "example": examples.CHANGE}},
    }
    return operation


def _reading(summary: str, example: Mapping[str, Any]) -> dict[str, Any]:
    return _operation(summary, example, parameters=[])


def _operation(
    summary: str,
    example: Mapping[str, Any],
    *,
    parameters: list[dict[str, Any]],
    refusals: tuple[str, ...] = (),
) -> dict[str, Any]:
    responses = {"200": _content("Done", _object(("success",)), example)}
    for status in sorted({*_COMMON, *refusals}):
        refusal = {"success": False, "error": _REFUSALS[status]}
        responses[status] = _content(_REFUSALS[status], _ERROR, refusal)
    return {"summary": summary, "parameters": parameters, "responses": responses}


def _content(
    description: str, schema: Mapping[str, Any], example: Mapping[str, Any]
) -> dict[str, Any]:
    content = {"application/json": {"schema": schema, "example": example}}
    return {"description": description, "content": content}


def _object(required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(required),
        "properties": {"success": {"type": "boolean"}, **properties},
    }


def _parameter(
    name: str, schema: Mapping[str, Any], *, place: str = "query", example: Any = None
) -> dict[str, Any]:
    parameter = {"name": name, "in": place, "required": place == "path", "schema": schema}
    return parameter if example is None else {**parameter, "example": example}


def page(description: Mapping[str, Any]) -> str:
    """Return the description as one HTML page without scripts."""
    parts = [
        _section(method, path, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    style = "body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    style += "pre{background:#f4f4f4;padding:1rem;overflow-x:auto}"
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f"<title>Analytics Scheduler</title><style>{style}</style>"
        '<h1>Analytics Scheduler</h1><p>The same for programs: <a href="openapi.json">'
        f"openapi.json</a></p>{''.join(parts)}</html>"
    )


def _section(method: str, path: str, operation: Mapping[str, Any]) -> str:
    answers = "".join(
        f"<li>{status}: {escape(answer['description'])}"
        f"<pre>{escape(_example_of(answer))}</pre></li>"
        for status, answer in operation["responses"].items()
    )
    names = ", ".join(parameter["name"] for parameter in operation["parameters"]) or "none"
    return (
        f"<h2>{method.upper()} {escape(path)}</h2><p>{escape(operation['summary'])}</p>"
        f"<p>Parameters: {escape(names)}</p><ul>{answers}</ul>"
    )


def _example_of(answer: Mapping[str, Any]) -> str:
    return to_json(answer["content"]["application/json"]["example"]).decode()
