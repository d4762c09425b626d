"""The rows of the endpoints, and how a request finds one of them."""

from __future__ import annotations

from inspect import signature
from typing import get_type_hints

import pytest

from analytics_scheduler.api.auth import Caller
from analytics_scheduler.api.endpoints import ENDPOINTS
from analytics_scheduler.api.messages import MAX_PARAMETERS, Answer, ApiError, Request, success
from analytics_scheduler.api.routing import Call, Endpoint, match_endpoint

ADMIN = Caller("ada", is_admin=True)


def greet(name: str, query: dict[str, str]) -> Answer:
    return success(message=f"{query.get('greeting', 'Hello')}, {name}")


def list_names() -> Answer:
    return success(data={"names": []})


ROWS = (
    Endpoint("GET", "/names", list_names, "List names"),
    Endpoint("POST", "/names/{name}", greet, "Greet"),
    Endpoint("PATCH", "/names/{name}", greet, "Greet again"),
)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/names", ("/names", "")),
        ("POST", "/names/ada", ("/names/{name}", "ada")),
        ("POST", "/names/", ("/names/{name}", "")),
        ("PATCH", "/names/a/b", ("/names/{name}", "a/b")),
    ],
)
def test_match_endpoint(method: str, path: str, expected: tuple[str, str]) -> None:
    match = match_endpoint(ROWS, Request(method, path))

    assert match.endpoint is not None
    assert (match.endpoint.method, match.endpoint.path, match.name) == (method, *expected)


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/", 404, None),
        ("GET", "/name", 404, None),
        ("HEAD", "/names", 405, "GET"),
        ("GET", "/names/ada", 405, "POST, PATCH"),
    ],
)
def test_match_endpoint_without_one(method: str, path: str, status: int, allow: str | None) -> None:
    request = Request(method, path)

    with pytest.raises(ApiError) as caught:
        match_endpoint(ROWS, request).answer(request, ADMIN, None)

    assert caught.value.status == status
    assert caught.value.headers.get("Allow") == allow


def test_handler_gets_what_it_names() -> None:
    request = Request("POST", "/names/ada")

    answer = match_endpoint(ROWS, request).answer(request, ADMIN, None)

    assert answer.body == b'{"success": true, "message": "Hello, ada"}'


def test_handler_with_an_unknown_need() -> None:
    def handler(password: str) -> Answer:
        return success(message=password)

    with pytest.raises(TypeError, match=r"handler needs .*'password'"):
        Endpoint("GET", "/", handler, "Cannot be called")


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: f"{each.method} {each.path}")
def test_endpoint_rows(endpoint: Endpoint) -> None:
    offered = get_type_hints(Call)
    needs = get_type_hints(endpoint.handler)
    assert needs.pop("return") is Answer
    assert needs.keys() == signature(endpoint.handler).parameters.keys()
    for name, needed in needs.items():
        assert needed == offered[name] or needed | None == offered[name]
    assert (endpoint.attempt is None) == (endpoint.method == "GET"), "every change is audited"
    assert ("attempt" in needs) <= (endpoint.attempt is not None)
    assert len(endpoint.query) < MAX_PARAMETERS
    in_path = endpoint.path_parameter
    assert endpoint.path.partition("{")[2] == (f"{in_path.name}}}" if in_path else "")
