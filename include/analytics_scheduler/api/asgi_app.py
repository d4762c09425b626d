"""The endpoints as an ASGI application, which Airflow's API server mounts."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as Incoming
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketClose

from analytics_scheduler.api.gate import respond
from analytics_scheduler.api.messages import MAX_BODY_BYTES, Request


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request of any method and path below the mount; there is no other way in."""
    if scope["type"] == "websocket":
        await WebSocketClose()(scope, receive, send)
        return
    request = await read_request(Incoming(scope, receive))
    answer = await run_in_threadpool(respond, request)
    response = Response(answer.body, answer.status, dict(answer.headers), answer.media_type)
    await response(scope, receive, send)


async def read_request(incoming: Incoming) -> Request:
    """Return the request as the gate takes it; a body that is too long is not read to its end."""
    body = b""
    async for chunk in incoming.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            break
    scope = incoming.scope
    path = scope["path"].removeprefix(scope.get("root_path", "")) or "/"
    return Request.received(
        incoming.method,
        path,
        query=scope["query_string"],
        headers=incoming.headers,
        cookies=incoming.cookies,
        body=body,
    )
