"""Alerts about tasks that are overdue, and about incidents that ended without an alert."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from analytics_scheduler.alerts.message import build_message
from analytics_scheduler.alerts.outbox import Outbox, open_outbox
from analytics_scheduler.vocabulary import AlertEvent, FreshnessState

if TYPE_CHECKING:
    from analytics_scheduler.freshness import TaskFreshness
    from analytics_scheduler.queries import Queries
    from analytics_scheduler.settings import AlertSettings


def queue_overdue_alerts(
    queries: Queries, settings: AlertSettings, tasks: Iterable[TaskFreshness]
) -> None:
    """Store an alert for each task that is overdue, close what has recovered, and commit.

    A success that was recorded without a webhook closes an incident here. Nothing is stored if
    alerts are off.
    """
    if settings.url is None:
        return
    with open_outbox(queries, settings) as outbox:
        for task in tasks:
            state, success = task.freshness.state, task.success
            if state is FreshnessState.FRESH and success is not None:
                outbox.close_incident(task.task, at=success.finished_at, last_day=success.last_day)
            elif state is FreshnessState.OVERDUE and task.freshness.due is not None:
                _add_overdue(outbox, task, due=task.freshness.due)


def _add_overdue(outbox: Outbox, task: TaskFreshness, *, due: datetime) -> None:
    last_success = task.success.finished_at if task.success else None
    last = last_success.isoformat(timespec="seconds") if last_success else "never"
    message = build_message(
        AlertEvent.OVERDUE,
        task.task,
        at=outbox.now,
        text=(
            f"{task.task} is overdue: due {due.isoformat(timespec='seconds')}, last success {last}."
        ),
        overdue={
            "due": due.isoformat(),
            "last_success": last_success.isoformat() if last_success else None,
        },
    )
    outbox.add(message, task=task.task, at=outbox.now, last_day=task.due_day)
