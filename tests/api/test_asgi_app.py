"""The ASGI application by itself: what a server sends it besides ordinary requests."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from analytics_scheduler.api.asgi_app import app, read_request
from analytics_scheduler.api.messages import MAX_BODY_BYTES


def test_websockets_are_closed() -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    asyncio.run(app({"type": "websocket", "path": "/tasks", "headers": []}, receive, send))

    assert [message["type"] for message in sent] == ["websocket.close"]


@pytest.mark.parametrize(
    ("root", "path", "expected"),
    [
        ("/api/scheduler", "/api/scheduler/tasks", "/tasks"),
        ("/api/scheduler", "/api/scheduler", "/"),
    ],
)
def test_read_request_below_the_mount(root: str, path: str, expected: str) -> None:
    from starlette.requests import Request as Incoming

    chunks = [b"x" * 10_000] * 5
    received: list[bytes] = []

    async def receive() -> Any:
        received.append(chunks[len(received)])
        return {"type": "http.request", "body": received[-1], "more_body": True}

    scope = {
        "type": "http",
        "method": "PATCH",
        "root_path": root,
        "path": path,
        "query_string": b"a=1&a=2&b",
        "headers": [(b"accept", b"text/csv"), (b"cookie", b"_token=t")],
    }
    request = asyncio.run(read_request(Incoming(scope, receive)))

    assert (request.path, request.accept, request.cookie_token) == (expected, "text/csv", "t")
    assert request.query == (("a", "1"), ("a", "2"), ("b", ""))
    assert MAX_BODY_BYTES < len(request.body) < 5 * 10_000, "no more is read than shows the length"


@pytest.mark.parametrize("method", ["PROPFIND", "TRACE", "get", ""])
def test_unusual_methods_need_a_token(method: str) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http",
        "method": method,
        "root_path": "/api/scheduler",
        "path": "/api/scheduler/tasks",
        "query_string": b"",
        "headers": [],
    }
    asyncio.run(app(scope, receive, send))

    assert sent[0]["status"] == 401
    assert json.loads(sent[1]["body"])["success"] is False
