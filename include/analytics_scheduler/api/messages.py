"""Requests, answers and errors, independent of any web framework."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl

MAX_BODY_BYTES = 16 * 1024
JSON_TYPE = "application/json"
NOT_STORED: Mapping[str, str] = {"Cache-Control": "no-store"}
TOKEN_COOKIE = "_token"  # noqa: S105 - the name under which the Airflow UI stores its token
MAX_PARAMETERS = 20


class Fields(Protocol):
    """Headers or cookies by name; the case of a header's name does not matter."""

    def get(self, name: str, /) -> str | None:
        """Return the value of a field, or None if it was not sent."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request; `path` is relative to the mount, and `query` keeps repeated parameters.

    `fetch_site` is the header `Sec-Fetch-Site`, in which a browser says where a request comes from.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    authorization: str | None = None
    cookie_token: str | None = None
    fetch_site: str | None = None
    accept: str = ""
    body: bytes = b""

    @classmethod
    def received(
        cls, method: str, path: str, *, query: bytes, headers: Fields, cookies: Fields, body: bytes
    ) -> Request:
        """Return a request made from the parts that a framework received.

        Bytes of the query that are not UTF-8 become U+FFFD. Parameters after the 20th are not read:
        no endpoint has so many, so the request is refused for one of the first 20 anyway.
        """
        pieces = [text for text in query.decode("ascii", "replace").split("&") if text]
        pairs = parse_qsl("&".join(pieces[:MAX_PARAMETERS]), keep_blank_values=True)
        return cls(
            method=method,
            path=path,
            query=tuple(pairs),
            authorization=headers.get("authorization"),
            cookie_token=cookies.get(TOKEN_COOKIE),
            fetch_site=headers.get("sec-fetch-site"),
            accept=headers.get("accept") or "",
            body=body,
        )

    def parameters(self, allowed: Sequence[str]) -> dict[str, str]:
        """Return the query parameters by name; an unknown or repeated one raises ApiError (400).

        Ignoring an unknown parameter would be worse: `?dat=` would run another day than intended.
        """
        values: dict[str, str] = {}
        for name, value in self.query:
            if name not in allowed:
                takes = f"the parameters {', '.join(allowed)}" if allowed else "no parameters"
                raise ApiError(
                    400, f"Unknown parameter {quoted(name)}: this endpoint takes {takes}."
                )
            if name in values:
                raise ApiError(400, f"The parameter {name} must be given only once.")
            values[name] = value
        return values


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send: status, body, media type and further headers."""

    status: int
    body: bytes
    media_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)


class ApiError(Exception):
    """A request that cannot be fulfilled: the status, and the message for the caller.

    `data` goes into the body beside the message, for an error that has more to report.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}
        self.data = data

    def answer(self) -> Answer:
        """Return the error in the documented shape, the only one that an error has."""
        body: dict[str, Any] = {"success": False, "error": self.message}
        if self.data is not None:
            body["data"] = self.data
        return Answer(self.status, to_json(body), headers={**NOT_STORED, **self.headers})


def success(
    *,
    data: Mapping[str, Any] | None = None,
    message: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Return a 200 in the documented shape, with a message, data, or both."""
    body: dict[str, Any] = {"success": True}
    if message is not None:
        body["message"] = message
    if data is not None:
        body["data"] = data
    return Answer(200, to_json(body), headers={**NOT_STORED, **(headers or {})})


def to_json(body: Mapping[str, Any]) -> bytes:
    """Return a body in ASCII: a lone surrogate from a broken path is escaped instead of failing."""
    return json.dumps(body, ensure_ascii=True).encode("ascii")


def quoted(text: str, limit: int = 60) -> str:
    """Return a caller's text for use in a message: in quotes, and shortened to `limit`."""
    return repr(text if len(text) <= limit else f"{text[:limit]}...")
