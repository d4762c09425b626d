"""The one line that a run leaves in the log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any


def run_line(
    *,
    task: str,
    run_id: str,
    outcome: str,
    started_at: datetime,
    ended_at: datetime,
    report: Mapping[str, Any],
) -> str:
    """Return a run as key=value fields: what it is, then every single value of its report."""
    fields = {
        "event": "run",
        "task": task,
        "run": run_id,
        "outcome": outcome,
        "elapsed_seconds": round((ended_at - started_at).total_seconds(), 3),
    }
    single = {
        name: value
        for name, value in report.items()
        if name not in fields and isinstance(value, str | int | float)
    }
    return " ".join(f"{name}={_word(value)}" for name, value in (fields | single).items())


def _word(value: object) -> str:
    text = str(value)
    return text if text and not set(text) & set(' ="\n\r\t') else repr(text)
