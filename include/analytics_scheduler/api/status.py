"""`GET status`: how every task is doing, and how many of the last snapshots are written."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from analytics_scheduler.api.coverage import COVERAGE_EXAMPLE, read_coverage
from analytics_scheduler.api.messages import Answer, success
from analytics_scheduler.api.metadata import metadata_session, read_runs
from analytics_scheduler.api.records import RunRecord
from analytics_scheduler.api.task_status import TaskStatus, read_task_statuses

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_NEXT_TIMES = 5
_RUNS_IN_HISTORY = 50

_RUN_EXAMPLE: Mapping[str, Any] = {
    "run_id": "scheduled__2026-11-23T02:00:00+00:00",
    "state": "success",
    "kind": "scheduled",
    "triggered_by": None,
    "date": None,
    "moment": "2026-11-23T02:00:00Z",
    "started_at": "2026-11-23T02:00:01Z",
    "ended_at": "2026-11-23T02:00:09Z",
    "seconds": 8.0,
}
_TASK_EXAMPLE: Mapping[str, Any] = {
    "name": "daily-snapshot",
    "active": True,
    "paused": False,
    "missing": False,
    "broken": False,
    "schedule": {
        "cron": "0 2 * * *",
        "words": "At 02:00",
        "timezone": "UTC",
        "changed": None,
    },
    "next_times": [f"2026-11-{day}T02:00:00+00:00" for day in range(24, 24 + _NEXT_TIMES)],
    "last_run": _RUN_EXAMPLE,
    "last_success": _RUN_EXAMPLE,
    "pulse": "fresh",
    "overdue": False,
    "due": "2026-11-23T02:00:00Z",
    "duration": {
        "p50_seconds": 8.0,
        "p95_seconds": 8.0,
        "history": [{"moment": "2026-11-23T02:00:00Z", "state": "success", "seconds": 8.0}],
    },
}
STATUS_EXAMPLE: Mapping[str, Any] = {
    "success": True,
    "data": {
        "now": "2026-11-23T10:00:00Z",
        "tasks": [_TASK_EXAMPLE],
        "coverage": COVERAGE_EXAMPLE,
    },
}


def show_status() -> Answer:
    """Answer with every task and the coverage of the last periods."""
    now = datetime.now(UTC)
    with metadata_session() as session:
        statuses = read_task_statuses(session, now=now)
        tasks = [_task_as_dict(session, status, now=now) for status in statuses]
    return success(data={"now": _iso(now), "tasks": tasks, "coverage": read_coverage(now=now)})


def _task_as_dict(session: Session, status: TaskStatus, *, now: datetime) -> dict[str, Any]:
    task = status.task
    ended = read_runs(session, task.name, limit=_RUNS_IN_HISTORY, states=["success", "failed"])
    latest = read_runs(session, task.name, limit=1)
    return {
        "name": task.name,
        "active": task.is_active,
        "paused": task.is_paused,
        "missing": task.is_missing,
        "broken": task.is_broken,
        "schedule": _schedule_as_dict(status),
        "next_times": _next_times(status, now),
        "last_run": _run_as_dict(latest[0]) if latest else None,
        "last_success": _run_as_dict(status.last_success) if status.last_success else None,
        "pulse": status.freshness.state.value,
        "overdue": status.freshness.is_overdue,
        "due": _iso(status.freshness.due),
        "duration": _durations_as_dict(ended),
    }


def _schedule_as_dict(status: TaskStatus) -> dict[str, Any]:
    task, clock, changed = status.task, status.clock, status.changed
    return {
        "cron": clock.expression if clock else None,
        "words": task.schedule_description or task.schedule_summary or None,
        "timezone": clock.timezone.key if clock else None,
        "changed": None
        if changed is None
        else {
            "schedule": changed.schedule,
            "by": changed.changed_by,
            "at": changed.changed_at,
            "in_force": clock is not None and clock.expression == changed.schedule,
        },
    }


def _next_times(status: TaskStatus, now: datetime) -> list[str | None]:
    task, clock = status.task, status.clock
    if not task.is_active:
        return []
    if clock is None:
        return [_iso(task.next_run)] if task.next_run else []
    return [
        moment.astimezone(clock.timezone).isoformat(timespec="seconds")
        for moment in clock.next_times(now, _NEXT_TIMES)
    ]


def _run_as_dict(run: RunRecord) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "state": run.state,
        "kind": run.run_type,
        "triggered_by": run.triggered_by,
        "date": run.conf.get("date"),
        "moment": _iso(run.moment),
        "started_at": _iso(run.started_at),
        "ended_at": _iso(run.ended_at),
        "seconds": run.seconds,
    }


def _durations_as_dict(runs: Sequence[RunRecord]) -> dict[str, Any]:
    timed = [run for run in runs if run.seconds is not None]
    successes = sorted(run.seconds for run in timed if run.state == "success" and run.seconds)
    return {
        "p50_seconds": percentile(successes, 50),
        "p95_seconds": percentile(successes, 95),
        "history": [
            {"moment": _iso(run.moment), "state": run.state, "seconds": run.seconds}
            for run in timed
        ],
    }


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """Return the smallest value that at least `percent` % of the values do not exceed.

    This is the nearest-rank method; `ordered` is in ascending order, and None stands for no values.
    """
    if not ordered:
        return None
    return ordered[max(math.ceil(len(ordered) * percent / 100), 1) - 1]


def _iso(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
