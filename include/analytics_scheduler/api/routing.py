"""What an endpoint is, how a request finds its endpoint, and how the endpoint calls its handler."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from inspect import signature
from typing import Any

from analytics_scheduler.api.audit import Attempt
from analytics_scheduler.api.auth import Caller
from analytics_scheduler.api.messages import (
    MAX_BODY_BYTES,
    Answer,
    ApiError,
    Request,
    quoted,
)

MOUNT = "/api/scheduler"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the path or of the query, with its JSON schema."""

    name: str
    schema: Mapping[str, Any]
    example: Any = None


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler can receive: it names the fields that it needs as its parameters.

    `name` is what the request's path has in place of the endpoint's path parameter. `query` holds
    the query parameters, each of which the endpoint knows. `attempt` is the entry for the audit
    log, if the endpoint is audited.
    """

    name: str
    query: Mapping[str, str]
    body: bytes
    accept: str
    caller: Caller
    attempt: Attempt | None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint: the requests that it takes, its handler, and its documentation.

    `path` may end in a parameter in braces, which stands for the whole rest of the path.
    `examples` are bodies by status. `errors` are statuses beyond those that every endpoint can
    answer with, `headers` those of a success, and `other_types` its media types besides JSON.
    `attempt` makes the entry for the audit log; without it, nothing is recorded.
    """

    method: str
    path: str
    handler: Callable[..., Answer]
    summary: str
    examples: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    path_parameter: Parameter | None = None
    query: Sequence[Parameter] = ()
    body_schema: Mapping[str, Any] | None = None
    body_example: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    other_types: Sequence[str] = ()
    errors: Sequence[int] = ()
    attempt: Callable[[Request, str], Attempt] | None = None
    is_documented: bool = True

    def __post_init__(self) -> None:
        unknown = set(signature(self.handler).parameters) - {each.name for each in fields(Call)}
        if unknown:
            raise TypeError(f"{self.handler.__name__} needs {unknown}, which Call does not have.")

    def name_in(self, path: str) -> str | None:
        """Return what a request's path has in place of the parameter, or None for another path.

        It is empty for an endpoint without a path parameter.
        """
        fixed, brace, _ = self.path.partition("{")
        if brace:
            return path.removeprefix(fixed) if path.startswith(fixed) else None
        return "" if path == fixed else None


@dataclass(frozen=True, slots=True)
class Match:
    """The endpoint of a request, if there is one, and the name in the request's path.

    Without an endpoint, `allowed` lists the methods that the path does have.
    """

    endpoint: Endpoint | None
    name: str = ""
    allowed: Sequence[str] = ()

    def attempt(self, request: Request) -> Attempt | None:
        """Return what the audit log says about the request, or None if it is not audited."""
        if self.endpoint is None or self.endpoint.attempt is None:
            return None
        return self.endpoint.attempt(request, self.name)

    def answer(self, request: Request, caller: Caller, attempt: Attempt | None) -> Answer:
        """Return the handler's answer.

        Raises ApiError: 404 or 405 without an endpoint, 413 for a body that is too long, 400 for
        an unknown or repeated parameter. Whatever the handler raises passes through.
        """
        if len(request.body) > MAX_BODY_BYTES:
            raise ApiError(413, f"The body must not be longer than {MAX_BODY_BYTES} bytes.")
        if self.endpoint is None:
            raise self._not_found(request)
        query = request.parameters([each.name for each in self.endpoint.query])
        call = Call(self.name, query, request.body, request.accept, caller, attempt)
        wanted = signature(self.endpoint.handler).parameters
        return self.endpoint.handler(**{name: getattr(call, name) for name in wanted})

    def _not_found(self, request: Request) -> ApiError:
        if not self.allowed:
            return ApiError(404, f"There is no endpoint {quoted(request.path)}.")
        methods = ", ".join(self.allowed)
        return ApiError(
            405,
            f"The method {quoted(request.method)} is not allowed here. Use {methods}.",
            headers={"Allow": methods},
        )


def match_endpoint(endpoints: Sequence[Endpoint], request: Request) -> Match:
    """Find the endpoint of a request by its method and path."""
    allowed = []
    for endpoint in endpoints:
        name = endpoint.name_in(request.path)
        if name is not None and endpoint.method == request.method:
            return Match(endpoint, name)
        if name is not None:
            allowed.append(endpoint.method)
    return Match(None, allowed=allowed)
