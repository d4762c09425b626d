"""When a task runs: as its setting says, unless an administrator changed the schedule since.

DAG files call `schedule_of` while they are parsed. A schedule changed at run time is an Airflow
Variable, `analytics_scheduler.schedule.<task>`: every component reads it from Airflow's own
database, it is listed under Admin > Variables, and the setting applies again once it is deleted.
A value that cannot be read is logged and ignored, so it never breaks a DAG file.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from analytics_scheduler.cron import parse_schedule
from analytics_scheduler.errors import SettingError
from analytics_scheduler.settings import (
    SCHEDULE_DEFAULTS,
    ScheduleSettings,
    load_schedule,
    schedule_variable,
)
from analytics_scheduler.vocabulary import PeriodType

if TYPE_CHECKING:
    from airflow.sdk import CronTriggerTimetable

DOCUMENTED_TASKS = (*(period_type.task for period_type in PeriodType), "cache-cleanup")
RETENTION_TASK = "snapshot-retention"
TASK_TAG = "analytics-scheduler"
VARIABLE_PREFIX = "analytics_scheduler.schedule."

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredSchedule:
    """A schedule set at run time: five cron fields, who set it, and when (ISO 8601, UTC)."""

    schedule: str
    changed_by: str
    changed_at: str

    @property
    def moment(self) -> datetime:
        """When the schedule was set, or 1970 if that cannot be read."""
        try:
            moment = datetime.fromisoformat(self.changed_at)
        except ValueError:
            return _LONG_AGO
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

    def to_text(self) -> str:
        """Return the value of the Airflow Variable."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> StoredSchedule:
        """Read the value of the Airflow Variable, or raise ValueError.

        A plain cron string is accepted too: people type one under Admin > Variables.
        """
        try:
            stored = json.loads(text)
        except json.JSONDecodeError:
            return cls(parse_schedule(text), "", "")
        if not isinstance(stored, dict) or not isinstance(stored.get("schedule"), str):
            raise ValueError("must be a JSON object with a string field `schedule`")  # noqa: TRY004
        return cls(
            parse_schedule(stored["schedule"]),
            str(stored.get("changed_by", "")),
            str(stored.get("changed_at", "")),
        )


def variable_key(task: str) -> str:
    """Return the key of the Airflow Variable that holds a task's changed schedule."""
    return f"{VARIABLE_PREFIX}{task}"


def schedule_of(task: str, default: str | None = None) -> CronTriggerTimetable | None:
    """Return the timetable of a task for `DAG(schedule=...)`, None while SCHEDULER_ENABLED=false.

    `task` is the DAG id. A schedule changed at run time comes first, then the variable
    `SCHEDULE_<TASK>`, then `default`, which a task of your own needs. Raises SettingError, which
    affects only the DAG file that calls this.
    """
    from airflow.sdk import CronTriggerTimetable

    settings = ScheduleSettings.load()
    if task not in SCHEDULE_DEFAULTS and default is None:
        raise SettingError(
            f'The task {task!r} has no schedule. Give a default, as in schedule_of("{task}", '
            f'"0 6 * * *"); {schedule_variable(task)} can change it.'
        )
    expression = load_schedule(task, default)
    if not settings.enabled:
        return None
    changed = stored_schedule(task)
    if changed is not None:
        expression = changed.schedule
    return CronTriggerTimetable(expression, timezone=settings.timezone.key)


def stored_schedule(task: str) -> StoredSchedule | None:
    """Return the schedule that was set at run time, or None if there is none that can be read.

    It asks Airflow, so call it in DAG files and tasks only.
    """
    text = _stored_text(task)
    if text is None:
        return None
    try:
        return StoredSchedule.from_text(text)
    except ValueError as error:
        _LOGGER.warning(
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
        # Airflow does not answer. If a DAG file failed now, Airflow would stop scheduling its DAG.
        _LOGGER.warning("event=stored_schedule_unread task=%s reason=%r", task, str(error))
        return None
    return text if isinstance(text, str) else None


def in_documented_order(dag_ids: Iterable[str]) -> list[str]:
    """Return the documented tasks in their documented order, then your own by name.

    The retention task is left out: it serves the scheduler itself, and only `status` shows it.
    """
    names = set(dag_ids) - {RETENTION_TASK}
    documented = [task for task in DOCUMENTED_TASKS if task in names]
    return documented + sorted(names - set(DOCUMENTED_TASKS))
