"""Requests to the API server of a running Airflow."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from typing import Any


def ask(
    url: str, *, method: str = "GET", token: str = "", body: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the JSON of a response; raises HTTPError for a status of 400 or above."""
    request = urllib.request.Request(
        url,
        method=method,
        data=json.dumps(body).encode() if body else None,
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        document: dict[str, Any] = json.loads(response.read())
        return document


def log_in(url: str, user: str, password: str) -> str:
    """Return a token."""
    login = {"username": user, "password": password}
    return str(ask(f"{url}/auth/token", method="POST", body=login)["access_token"])
