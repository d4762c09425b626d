"""`GET tasks` and `GET status`: which tasks there are, and how each of them is doing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from analytics_scheduler.api.coverage import coverage_of_periods
from analytics_scheduler.api.messages import Answer, Request, success
from analytics_scheduler.api.metadata import (
    metadata_session,
    read_clock,
    read_first_seen,
    read_runs,
    read_stored_schedules,
    read_tasks,
)
from analytics_scheduler.api.records import RunRecord, TaskRecord
from analytics_scheduler.cron import CronClock
from analytics_scheduler.errors import PeriodError
from analytics_scheduler.freshness import Freshness, assess
from analytics_scheduler.orchestration.schedules import (
    DOCUMENTED_TASKS,
    RETENTION_TASK,
    StoredSchedule,
    in_documented_order,
)
from analytics_scheduler.periods import Calendar, parse_day
from analytics_scheduler.settings import CalendarSettings
from analytics_scheduler.vocabulary import PeriodType

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from analytics_scheduler.api.auth import Caller

_NEXT_TIMES = 5
_HISTORY = 50
_SUCCESSES = 100
_IN_PROGRESS = ("queued", "running")
_MISSING_SINCE = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task with what its pulse is judged by."""

    task: TaskRecord
    clock: CronClock | None
    changed: StoredSchedule | None
    last_success: RunRecord | None
    freshness: Freshness


def list_tasks(request: Request, _name: str, _caller: Caller) -> Answer:
    """Answer with the names of the active tasks: the documented ones, then the user's own."""
    request.parameters()
    with metadata_session() as session:
        tasks = read_tasks(session)
    active = [name for name, task in tasks.items() if task.is_active]
    return success(data={"tasks": in_documented_order(active)})


def show_status(request: Request, _name: str, _caller: Caller) -> Answer:
    """Answer with everything that is known of every task."""
    request.parameters()
    now = datetime.now(UTC)
    with metadata_session() as session:
        views = view_tasks(session, now=now)
        tasks = [_status_of(session, view, now=now) for view in views]
    return success(
        data={"now": _iso(now), "tasks": tasks, "coverage": coverage_of_periods(now=now)}
    )


def view_tasks(session: Session, *, now: datetime) -> list[TaskView]:
    """Return every task that Airflow knows, documented ones first, retention after them."""
    tasks = read_tasks(session)
    first_seen = read_first_seen(session, tasks)
    changed = read_stored_schedules(session)
    calendar = CalendarSettings.load().calendar()
    names = in_documented_order(tasks)
    if RETENTION_TASK in tasks:
        names.insert(sum(name in DOCUMENTED_TASKS for name in names), RETENTION_TASK)
    return [
        _view(
            session,
            tasks[name],
            changed=changed.get(name),
            since=first_seen.get(name, _MISSING_SINCE),
            calendar=calendar,
            now=now,
        )
        for name in names
    ]


def _view(
    session: Session,
    task: TaskRecord,
    *,
    changed: StoredSchedule | None,
    since: datetime,
    calendar: Calendar,
    now: datetime,
) -> TaskView:
    clock = read_clock(session, task)
    successes = read_runs(session, task.name, limit=_SUCCESSES, states=["success"])
    stands_for = [(moment_of(run, task.name, calendar), run) for run in successes]
    counted = [(moment, run) for moment, run in stands_for if moment is not None]
    moment, last_success = max(counted, key=lambda pair: pair[0], default=(None, None))
    in_progress = read_runs(session, task.name, limit=5, states=_IN_PROGRESS)
    begun = [run.started_at or run.queued_at for run in in_progress]
    freshness = assess(
        clock,
        now=now,
        since=max(since, changed.moment) if changed else since,
        last_success=moment,
        running_since=max((at for at in begun if at is not None), default=None),
        paused=task.is_paused,
    )
    return TaskView(task, clock, changed, last_success, freshness)


def moment_of(run: RunRecord, name: str, calendar: Calendar) -> datetime | None:
    """Return the moment that a successful run stands for, or None where it filled in the past.

    A run that was asked for a date counts as of its trigger when that date lies in the period that
    was due then, and else not at all. No run stands for a time after its own end.
    """
    moment = min(run.moment, run.ended_at or run.moment)
    date = run.conf.get("date")
    if not date:
        return moment
    period_type = PeriodType.of_task(name)
    if period_type is None:
        return None
    try:
        period = calendar.period_containing(period_type, parse_day(str(date)))
    except PeriodError:
        return None
    return (
        run.run_after
        if period == calendar.last_complete_period(period_type, run.run_after)
        else None
    )


def _status_of(session: Session, view: TaskView, *, now: datetime) -> dict[str, Any]:
    task = view.task
    history = read_runs(session, task.name, limit=_HISTORY, states=["success", "failed"])
    latest = read_runs(session, task.name, limit=1)
    return {
        "name": task.name,
        "active": task.is_active,
        "paused": task.is_paused,
        "missing": task.is_missing,
        "broken": task.is_broken,
        "schedule": _schedule_of(view),
        "next_times": _next_times(view, now),
        "last_run": _run(latest[0]) if latest else None,
        "last_success": _run(view.last_success) if view.last_success else None,
        "pulse": view.freshness.state.value,
        "overdue": view.freshness.is_overdue,
        "due": _iso(view.freshness.due),
        "duration": _durations(history),
    }


def _schedule_of(view: TaskView) -> dict[str, Any]:
    changed = view.changed
    return {
        "cron": view.clock.expression if view.clock else None,
        "words": view.task.words or view.task.summary or None,
        "timezone": view.clock.timezone.key if view.clock else None,
        "changed": None
        if changed is None
        else {
            "schedule": changed.schedule,
            "by": changed.changed_by,
            "at": changed.changed_at,
            "in_force": view.clock is not None and view.clock.expression == changed.schedule,
        },
    }


def _next_times(view: TaskView, now: datetime) -> list[str | None]:
    if not view.task.is_active:
        return []
    if view.clock is None:
        return [_iso(view.task.next_run)] if view.task.next_run else []
    return [
        moment.astimezone(view.clock.timezone).isoformat(timespec="seconds")
        for moment in view.clock.next_times(now, _NEXT_TIMES)
    ]


def _run(run: RunRecord) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "state": run.state,
        "kind": run.kind,
        "triggered_by": run.triggered_by,
        "date": run.conf.get("date"),
        "moment": _iso(run.moment),
        "started_at": _iso(run.started_at),
        "ended_at": _iso(run.ended_at),
        "seconds": run.seconds,
    }


def _durations(history: Sequence[RunRecord]) -> dict[str, Any]:
    ended = [run for run in history if run.seconds is not None]
    successes = sorted(run.seconds for run in ended if run.state == "success" and run.seconds)
    return {
        "p50_seconds": percentile(successes, 50),
        "p95_seconds": percentile(successes, 95),
        "history": [
            {"moment": _iso(run.moment), "state": run.state, "seconds": run.seconds}
            for run in ended
        ],
    }


def percentile(ordered: Sequence[float], percent: int) -> float | None:
    """Return the smallest value that at least so many percent do not exceed (nearest rank)."""
    if not ordered:
        return None
    return ordered[max(math.ceil(len(ordered) * percent / 100), 1) - 1]


def _iso(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
