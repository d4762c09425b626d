"""What `up` asks the Airflow that it started: which parts work, and whether the DAGs are read."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

MONITORED = ("metadatabase", "scheduler", "triggerer", "dag_processor")
_TIMEOUT_SECONDS = 10


def healthy_parts(url: str) -> list[str]:
    """Return the parts of Airflow that report themselves healthy; none while nobody answers."""
    try:
        report = _ask(f"{url}/api/v2/monitor/health")
    except (OSError, ValueError):
        return []
    return [name for name in MONITORED if (report.get(name) or {}).get("status") == "healthy"]


def count_dags(url: str, user: str, password: str) -> int:
    """Return how many DAGs Airflow knows, files that it could not read counted in."""
    login = json.dumps({"username": user, "password": password}).encode()
    try:
        token = _ask(f"{url}/auth/token", data=login)["access_token"]
        return sum(
            int(_ask(f"{url}/api/v2/{kind}?limit=1", token=token)["total_entries"])
            for kind in ("dags", "importErrors")
        )
    except (OSError, ValueError, KeyError):
        return 0


def _ask(url: str, *, data: bytes | None = None, token: str | None = None) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, data=data, headers=headers)
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:
        document: dict[str, Any] = json.loads(answer.read())
        return document
