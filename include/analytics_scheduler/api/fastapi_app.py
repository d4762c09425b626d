"""The endpoints as a FastAPI app, mounted on Airflow's API server."""

from __future__ import annotations

from typing import cast

from fastapi import Depends, FastAPI, Response
from fastapi import Request as Incoming
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from analytics_scheduler.api.auth import Caller
from analytics_scheduler.api.gate import NotAuthorizedError, authorize, respond
from analytics_scheduler.api.messages import (
    MAX_BODY_BYTES,
    Answer,
    ApiError,
    Request,
    parse_query,
)
from analytics_scheduler.api.routes import METHODS, ROUTES

_COOKIE = "_token"


async def read_request(incoming: Incoming) -> Request:
    """Return the request in our own form; a body is read no further than is allowed."""
    scope = incoming.scope
    body = b""
    async for chunk in incoming.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            break
    return Request(
        method=incoming.method,
        path=scope["path"].removeprefix(scope.get("root_path", "")) or "/",
        query=parse_query(scope["query_string"]),
        authorization=incoming.headers.get("authorization"),
        cookie_token=incoming.cookies.get(_COOKIE),
        fetch_site=incoming.headers.get("sec-fetch-site"),
        accept=incoming.headers.get("accept", ""),
        body=body,
    )


async def authorized(incoming: Incoming) -> None:
    """Let administrators in, and nobody else: the default of every route of the app."""
    request = await read_request(incoming)
    incoming.state.caller = await run_in_threadpool(authorize, request)
    incoming.state.request = request


async def answer(incoming: Incoming) -> Response:
    """Answer any request that was let in."""
    caller: Caller = incoming.state.caller
    return to_response(await run_in_threadpool(respond, incoming.state.request, caller))


def to_response(answer: Answer) -> Response:
    """Return an answer as the framework sends it."""
    return Response(answer.body, answer.status, dict(answer.headers), media_type=answer.media_type)


async def _not_admitted(_incoming: Incoming, error: Exception) -> Response:
    return to_response(cast("NotAuthorizedError", error).answer)


async def _framework_error(_incoming: Incoming, error: Exception) -> Response:
    known = cast("HTTPException", error)
    return to_response(ApiError(known.status_code, str(known.detail)).answer())


def create_app() -> FastAPI:
    """Return the app; a route for each endpoint, and one that turns away whatever is left."""
    app = FastAPI(
        title="Analytics Scheduler",
        dependencies=[Depends(authorized)],
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={
            NotAuthorizedError: _not_admitted,
            HTTPException: _framework_error,
        },
    )
    for route in ROUTES:
        path = route.path if route.parameter is None else f"{route.path}{{{route.parameter}:path}}"
        app.add_api_route(path, answer, methods=[route.method], response_model=None)
    app.add_api_route("/{rest:path}", answer, methods=list(METHODS), response_model=None)
    return app
