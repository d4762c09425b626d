"""The OpenAPI document of the endpoints, and a page made from it that loads nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from importlib.metadata import version
from typing import Any

from analytics_scheduler.api.messages import JSON_TYPE, to_json
from analytics_scheduler.api.routing import MOUNT, Endpoint, Parameter

_SUCCESS = 200
_MEANINGS: Mapping[int, str] = {
    _SUCCESS: "Success",
    400: "A parameter, the path or the body is invalid; the error says what is allowed",
    401: "The token is missing, malformed, expired, revoked, or not issued by this Airflow",
    403: "The caller is not an administrator",
    404: "There is no such task",
    409: "The DAG is paused, broken or unknown, or a run is queued already",
    413: "The body is too long",
    503: "A database is down or, from `health`, a task is not on time; the error says which",
}
_COMMON_ERRORS = (400, 401, 403, 503)
_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "pre{background:#f4f4f4;padding:1rem;overflow-x:auto}"
)


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Return the OpenAPI document: every documented endpoint with an example of each answer."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        if endpoint.is_documented:
            paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Analytics Scheduler", "version": version("analytics-scheduler")},
        "servers": [{"url": MOUNT}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": _object("success", "error", error={"type": "string"})},
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    statuses = sorted({_SUCCESS, *_COMMON_ERRORS, *endpoint.errors})
    in_path = [] if endpoint.path_parameter is None else [endpoint.path_parameter]
    operation: dict[str, Any] = {
        "summary": endpoint.summary,
        "parameters": [
            *(_parameter(each, "path") for each in in_path),
            *(_parameter(each, "query") for each in endpoint.query),
        ],
        "responses": {str(status): _response(endpoint, status) for status in statuses},
    }
    if endpoint.body_schema is not None:
        content = {"schema": endpoint.body_schema, "example": endpoint.body_example}
        operation["requestBody"] = {"required": True, "content": {JSON_TYPE: content}}
    return operation


def _parameter(parameter: Parameter, place: str) -> dict[str, Any]:
    described = {
        "name": parameter.name,
        "in": place,
        "required": place == "path",
        "schema": parameter.schema,
    }
    return described if parameter.example is None else {**described, "example": parameter.example}


def _response(endpoint: Endpoint, status: int) -> dict[str, Any]:
    meaning = _MEANINGS[status]
    is_error = status != _SUCCESS
    content: dict[str, Any] = {
        JSON_TYPE: {
            "schema": {"$ref": "#/components/schemas/Error"} if is_error else _object("success"),
            "example": endpoint.examples.get(status, {"success": False, "error": meaning}),
        }
    }
    response: dict[str, Any] = {"description": meaning, "content": content}
    if is_error:
        return response
    text = {"schema": {"type": "string"}}
    content.update(dict.fromkeys(endpoint.other_types, text))
    if endpoint.headers:
        response["headers"] = {
            name: {"description": description, **text}
            for name, description in endpoint.headers.items()
        }
    return response


def _object(*required: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(required),
        "properties": {"success": {"type": "boolean"}, **properties},
    }


def page(endpoints: Sequence[Endpoint]) -> str:
    """Return the document as one page of HTML, without scripts."""
    sections = "".join(
        _section(method, path, operation)
        for path, operations in document(endpoints)["paths"].items()
        for method, operation in operations.items()
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f"<title>Analytics Scheduler</title><style>{_STYLE}</style>"
        '<h1>Analytics Scheduler</h1><p>For programs, as OpenAPI: <a href="openapi.json">'
        f"openapi.json</a></p>{sections}</html>"
    )


def _section(method: str, path: str, operation: Mapping[str, Any]) -> str:
    names = ", ".join(parameter["name"] for parameter in operation["parameters"]) or "none"
    answers = "".join(
        f"<li>{status}: {escape(response['description'])}"
        f"<pre>{escape(_example_of(response))}</pre></li>"
        for status, response in operation["responses"].items()
    )
    return (
        f"<h2>{method.upper()} {escape(path)}</h2><p>{escape(operation['summary'])}</p>"
        f"<p>Parameters: {escape(names)}</p><ul>{answers}</ul>"
    )


def _example_of(response: Mapping[str, Any]) -> str:
    return to_json(response["content"][JSON_TYPE]["example"]).decode()
