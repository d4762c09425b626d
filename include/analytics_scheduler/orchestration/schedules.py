"""When a task runs: its environment setting, or the schedule that an administrator put over it.

A DAG file asks `schedule_of` while it is parsed. A schedule changed at run time is an Airflow
Variable, `analytics_scheduler.schedule.<task>`: it lives in Airflow's own database, is read
by every component alike, shows under Admin > Variables, and deleting it brings the setting back.
A value there that cannot be read is reported and passed over: it never breaks a DAG file.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from analytics_scheduler.cron import Schedule, parse_schedule
from analytics_scheduler.errors import SettingError
from analytics_scheduler.settings import (
    SCHEDULE_DEFAULTS,
    ScheduleSettings,
    load_schedule,
    schedule_variable,
)

if TYPE_CHECKING:
    from airflow.sdk import CronTriggerTimetable

DOCUMENTED_TASKS = ("daily-snapshot", "weekly-snapshot", "monthly-snapshot", "cache-cleanup")
RETENTION_TASK = "snapshot-retention"
TASK_TAG = "analytics-scheduler"
VARIABLE_PREFIX = "analytics_scheduler.schedule."

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredSchedule:
    """A schedule set at run time: five cron fields, who set it, and when (ISO 8601, UTC)."""

    schedule: str
    changed_by: str
    changed_at: str

    @property
    def moment(self) -> datetime:
        """Return when it was set; a distant past where that cannot be read."""
        try:
            moment = datetime.fromisoformat(self.changed_at)
        except ValueError:
            return _LONG_AGO
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def to_text(self) -> str:
        """Return the text that is stored."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> StoredSchedule:
        """Read a stored text, or raise ValueError with the reason.

        A bare cron string is taken too: that is what a person types under Admin > Variables.
        """
        try:
            stored = json.loads(text)
        except json.JSONDecodeError:
            return cls(parse_schedule(text).expression, "", "")
        if not isinstance(stored, dict) or not isinstance(stored.get("schedule"), str):
            raise ValueError("it is no JSON object with a text called schedule")  # noqa: TRY004
        return cls(
            parse_schedule(stored["schedule"]).expression,
            str(stored.get("changed_by", "")),
            str(stored.get("changed_at", "")),
        )


def variable_key(task: str) -> str:
    """Return the key of the Airflow Variable that holds a task's changed schedule."""
    return f"{VARIABLE_PREFIX}{task}"


def schedule_of(task: str, default: str | None = None) -> CronTriggerTimetable | None:
    """Return the timetable of a task for `DAG(schedule=...)`, or None while all are switched off.

    The task's name is its DAG id; `default` is needed for tasks of one's own. What counts is the
    schedule changed at run time, then the variable `SCHEDULE_<TASK>`, then the default.
    Raises SettingError, which stops the one DAG file that asks.
    """
    from airflow.sdk import CronTriggerTimetable

    settings = ScheduleSettings.load()
    schedule = default_schedule(task, default)
    if not settings.enabled:
        return None
    changed = stored_schedule(task)
    expression = changed.schedule if changed else schedule.expression
    return CronTriggerTimetable(expression, timezone=settings.timezone.key)


def default_schedule(task: str, default: str | None = None) -> Schedule:
    """Return the schedule that the environment gives a task, or raise SettingError."""
    if task not in SCHEDULE_DEFAULTS and default is None:
        raise SettingError(
            f'The task {task!r} has no schedule: write schedule_of("{task}", "0 6 * * *") '
            f"with the default that it needs, which {schedule_variable(task)} can change."
        )
    return load_schedule(task, default)


def stored_schedule(task: str) -> StoredSchedule | None:
    """Return the schedule that was set at run time, or None where there is none that can be read.

    It is asked through Airflow, by DAG files and tasks.
    """
    text = _stored_text(task)
    if text is None:
        return None
    try:
        return StoredSchedule.from_text(text)
    except ValueError as error:
        log.warning(
            "event=stored_schedule_passed_over task=%s variable=%s reason=%r",
            task,
            variable_key(task),
            str(error),
        )
        return None


def _stored_text(task: str) -> str | None:
    from airflow.sdk import Variable
    from airflow.sdk.exceptions import AirflowRuntimeError

    try:
        text = Variable.get(variable_key(task), default=None)
    except (AirflowRuntimeError, OSError) as error:
        # Airflow could not be asked; a DAG file that fails now would be taken off the schedule.
        log.warning("event=stored_schedule_unread task=%s reason=%r", task, str(error))
        return None
    return text if isinstance(text, str) else None


def is_task(dag_id: str, tags: Iterable[str]) -> bool:
    """Tell whether a DAG is a task of the scheduler: one of ours, or a user's own by its tag."""
    return dag_id in SCHEDULE_DEFAULTS or TASK_TAG in tags


def in_documented_order(dag_ids: Iterable[str]) -> list[str]:
    """Return the documented tasks in their documented order, then the user's own by name.

    The retention task is none of them: it serves the scheduler itself and is shown by `status`.
    """
    names = set(dag_ids) - {RETENTION_TASK}
    documented = [task for task in DOCUMENTED_TASKS if task in names]
    return documented + sorted(names - set(DOCUMENTED_TASKS))
