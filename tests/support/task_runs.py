"""Runs of tasks that exist as their records only, for tests of what follows from a record."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from tests.support.database import Database

from analytics_scheduler.alerts.delivery import Delivery, send_waiting
from analytics_scheduler.queries import Queries
from analytics_scheduler.run_records import FinishedRun, finish_run
from analytics_scheduler.settings import (
    SCHEDULE_DEFAULTS,
    DatabaseSettings,
    load_alert_settings,
)
from analytics_scheduler.vocabulary import Outcome, PeriodType

_NUMBERS = itertools.count(1)


def finished_run(
    outcome: str = "success",
    *,
    task: str = "daily-snapshot",
    run_id: str = "",
    last_day: date | None = None,
    **report: Any,
) -> FinishedRun:
    """Return a run that ended just now; without an id it is a run of its own."""
    days = {"first_day": str(last_day), "last_day": str(last_day)} if last_day else {}
    return FinishedRun(
        task=task,
        run_id=run_id or f"test-{next(_NUMBERS)}",
        outcome=Outcome(outcome),
        started_at=datetime.now(UTC),
        report={**report, **days},
    )


@dataclass(frozen=True, slots=True)
class TaskRuns(Database):
    """The records of runs and their alerts, in a database of the test's own."""

    settings: DatabaseSettings

    @property
    def queries(self) -> Queries:
        return Queries(self.connection, self.settings)

    def record(self, outcome: str = "success", **description: Any) -> None:
        """Finish a run that `finished_run` describes, with alerts as the environment says."""
        finish_run(self.queries, finished_run(outcome, **description), load_alert_settings())
        self.connection.commit()

    def record_all(self, *, last_day: date, but: str = "") -> None:
        """Record a success of every task but one."""
        for task in SCHEDULE_DEFAULTS:
            if task != but:
                is_snapshot = PeriodType.of_task(task) is not None
                self.record(task=task, last_day=last_day if is_snapshot else None)

    def install_long_ago(self) -> None:
        """Make the package years old, so that every task has been due."""
        self.execute("UPDATE analytics_snapshot_migrations SET applied_at = '2020-01-01Z'")

    def age(self, task: str, days: int) -> None:
        """Make a task's records some days older: when they ended, and the days they wrote."""
        self.execute(
            "UPDATE analytics_snapshot_runs SET finished_at = finished_at - %s * interval '1 day',"
            " report = CASE WHEN report ? 'last_day' THEN jsonb_set(report, '{last_day}',"
            " to_jsonb((report->>'last_day')::date - %s)) ELSE report END WHERE task = %s",
            days,
            days,
            task,
        )

    def alerts(self, columns: str) -> list[tuple[Any, ...]]:
        """Return columns of the stored alerts, in the order of the events."""
        return self.rows(
            f"SELECT {columns} FROM analytics_snapshot_alerts ORDER BY created_at, event DESC"
        )

    def end_pauses(self) -> None:
        """Make every waiting alert due."""
        self.execute("UPDATE analytics_snapshot_alerts SET next_attempt_at = now()")

    def send(self, **options: Any) -> Delivery:
        """Send what waits, to the webhook that the environment names."""
        return send_waiting(self.settings, load_alert_settings(), **options)
