"""What comes in and what goes out, for any framework: a request, an answer, a refusal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

MAX_BODY_BYTES = 16 * 1024
_MAX_PARAMETERS = 20
JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """A request below the endpoints' mount; `path` starts with a slash, `query` keeps repeats."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    authorization: str | None = None
    cookie_token: str | None = None
    fetch_site: str | None = None
    accept: str = ""
    body: bytes = b""

    def parameters(self, *allowed: str) -> dict[str, str]:
        """Return the query's parameters, or refuse one that is unknown or given twice.

        A parameter that would be ignored is refused: `?dat=` would run another day than meant.
        """
        values: dict[str, str] = {}
        for name, value in self.query:
            if name not in allowed:
                known = ", ".join(allowed) or "none"
                raise ApiError(400, f"Unknown parameter {quoted(name)}: allowed is {known}.")
            if name in values:
                raise ApiError(400, f"The parameter {name} is given twice.")
            values[name] = value
        return values


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a body and headers."""

    status: int
    body: bytes
    media_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)


class ApiError(Exception):
    """A request that is not granted: the status, and what to tell the caller."""

    def __init__(
        self,
        status: int,
        error: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.headers = dict(headers or {})
        self.data = data

    def answer(self) -> Answer:
        """Return the refusal in the documented shape."""
        body: dict[str, Any] = {"success": False, "error": self.error}
        if self.data is not None:
            body["data"] = self.data
        return Answer(self.status, to_json(body), headers=_no_store(self.headers))


def parse_query(raw: bytes) -> tuple[tuple[str, str], ...]:
    """Return the parameters of a query string; bytes that are no UTF-8 become U+FFFD.

    More of them than any endpoint takes become one that none knows, and so are refused.
    """
    try:
        pairs = parse_qsl(
            raw.decode("ascii", "replace"),
            keep_blank_values=True,
            max_num_fields=_MAX_PARAMETERS,
        )
    except ValueError:
        return (("too many parameters", ""),)
    return tuple(pairs)


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
    return Answer(200, to_json(body), headers=_no_store(headers or {}))


def to_json(body: Mapping[str, Any]) -> bytes:
    """Return a body as JSON; a lone surrogate from a broken path is escaped, never an error."""
    return json.dumps(body, ensure_ascii=True).encode("ascii")


def quoted(text: str, limit: int = 60) -> str:
    """Return a caller's text as it may stand in a message: quoted, and cut where it is long."""
    return repr(text if len(text) <= limit else f"{text[:limit]}...")


def _no_store(headers: Mapping[str, str]) -> dict[str, str]:
    return {"Cache-Control": "no-store", **headers}
