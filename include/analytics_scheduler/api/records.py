"""What the endpoints know of a task and of a run, free of Airflow's models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task as Airflow holds it: its DAG's row, without its runs."""

    name: str
    is_paused: bool
    is_missing: bool
    is_broken: bool
    is_scheduled: bool
    summary: str
    words: str
    next_run: datetime | None

    @property
    def is_active(self) -> bool:
        """Tell whether Airflow starts the task by itself."""
        return self.is_scheduled and not (self.is_paused or self.is_missing or self.is_broken)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run of a task; `moment` is what it stands for where it names no date of its own."""

    run_id: str
    state: str
    kind: str
    triggered_by: str | None
    conf: Mapping[str, Any]
    moment: datetime
    run_after: datetime
    queued_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def seconds(self) -> float | None:
        """Return how long a finished run took."""
        if self.started_at is None or self.ended_at is None:
            return None
        return round((self.ended_at - self.started_at).total_seconds(), 3)
