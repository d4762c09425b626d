"""What the endpoints know of a task and of a run, independent of Airflow's models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task as Airflow stores its DAG: whether it can run, and its schedule in Airflow's words."""

    name: str
    is_paused: bool
    is_missing: bool
    is_broken: bool
    is_scheduled: bool
    schedule_summary: str
    schedule_description: str
    next_run: datetime | None

    @property
    def is_active(self) -> bool:
        """Whether Airflow starts the task by itself."""
        return self.is_scheduled and not (self.is_paused or self.is_missing or self.is_broken)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run of a task; `moment` is the time it stands for unless its `conf` names a date."""

    run_id: str
    state: str
    run_type: str
    triggered_by: str | None
    conf: Mapping[str, Any]
    moment: datetime
    run_after: datetime
    queued_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def seconds(self) -> float | None:
        """How long the run took, or None if it has not ended."""
        if self.started_at is None or self.ended_at is None:
            return None
        return round((self.ended_at - self.started_at).total_seconds(), 3)
