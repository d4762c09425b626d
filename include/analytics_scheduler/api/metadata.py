"""What Airflow knows of the tasks: the one place that touches its database models.

They are no promised interface of Airflow, so nothing else here imports them. Sessions are opened
outside the thread's shared one: a helper of Airflow that commits its own leaves ours alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

from analytics_scheduler.api.records import RunRecord, TaskRecord
from analytics_scheduler.cron import CronClock
from analytics_scheduler.orchestration.schedules import (
    TASK_TAG,
    VARIABLE_PREFIX,
    StoredSchedule,
    variable_key,
)
from analytics_scheduler.settings import SCHEDULE_DEFAULTS

if TYPE_CHECKING:
    from airflow.models.dag import DagModel
    from airflow.models.dagrun import DagRun
    from sqlalchemy.orm import Session


@contextmanager
def metadata_session() -> Iterator[Session]:
    """Give a session of Airflow's database: committed at the end, rolled back on any error."""
    from airflow.utils.session import create_session

    with create_session(scoped=False) as session:
        yield session


def read_tasks(session: Session) -> dict[str, TaskRecord]:
    """Return every task by name: the package's own DAGs, and those with its tag."""
    from airflow.models.dag import DagModel, DagTag
    from sqlalchemy import or_, select

    tagged = select(DagTag.dag_id).where(DagTag.name == TASK_TAG)
    query = select(DagModel).where(
        or_(DagModel.dag_id.in_(SCHEDULE_DEFAULTS), DagModel.dag_id.in_(tagged))
    )
    return {row.dag_id: _task_record(row) for row in session.scalars(query)}


def read_task(session: Session, name: str) -> TaskRecord | None:
    """Return one task, or None where there is no such DAG or it is none of the scheduler's."""
    return read_tasks(session).get(name)


def _task_record(row: DagModel) -> TaskRecord:
    return TaskRecord(
        name=row.dag_id,
        is_paused=bool(row.is_paused),
        is_missing=bool(row.is_stale),
        is_broken=bool(row.has_import_errors),
        is_scheduled=not row.timetable_type.endswith(".NullTimetable"),
        summary=row.timetable_summary or "",
        words=row.timetable_description or "",
        next_run=row.next_dagrun_create_after,
    )


def read_clock(session: Session, task: TaskRecord) -> CronClock | None:
    """Return the clock of a cron schedule as Airflow has it in force, or None for another kind."""
    from airflow.models.serialized_dag import SerializedDagModel

    if not task.is_scheduled:
        return None
    serialized = SerializedDagModel.get(task.name, session=session)
    data: Any = serialized.data if serialized is not None else None
    stored = ((data or {}).get("dag") or {}).get("timetable") or {}
    fields = stored.get("__var") or {}
    expression, zone = fields.get("expression"), fields.get("timezone")
    if not isinstance(expression, str) or not isinstance(zone, str):
        return None
    return CronClock(expression, ZoneInfo(zone))


def read_first_seen(session: Session, names: Iterable[str]) -> dict[str, datetime]:
    """Return when Airflow first saw each task."""
    from airflow.models.dag_version import DagVersion
    from sqlalchemy import func, select

    query = (
        select(DagVersion.dag_id, func.min(DagVersion.created_at))
        .where(DagVersion.dag_id.in_(list(names)))
        .group_by(DagVersion.dag_id)
    )
    return {name: seen for name, seen in session.execute(query).tuples() if seen is not None}


def read_runs(
    session: Session, name: str, *, limit: int, states: Iterable[str] = ()
) -> list[RunRecord]:
    """Return the latest runs of a task, by the moment they stand for, newest first."""
    from airflow.models.dagrun import DagRun
    from sqlalchemy import func, select

    moment = func.coalesce(DagRun.logical_date, DagRun.run_after)
    query = select(DagRun).where(DagRun.dag_id == name)
    if states := list(states):
        query = query.where(DagRun.state.in_(states))
    return [_run_record(row) for row in session.scalars(query.order_by(moment.desc()).limit(limit))]


def find_waiting_run(session: Session, name: str) -> str | None:
    """Return the id of a run that waits for its turn; a backfill's runs have a queue of their own.

    A scheduled run of the future, which Airflow may already have made, is not waiting yet.
    """
    from airflow.models.dagrun import DagRun
    from sqlalchemy import select

    query = (
        select(DagRun.run_id)
        .where(DagRun.dag_id == name, DagRun.state == "queued", DagRun.run_type != "backfill")
        .limit(1)
    )
    return cast("str | None", session.scalar(query))


def _run_record(row: DagRun) -> RunRecord:
    return RunRecord(
        run_id=row.run_id,
        state=str(row.state),
        kind=str(row.run_type),
        triggered_by=row.triggering_user_name,
        conf=row.conf or {},
        moment=row.logical_date or row.run_after,
        run_after=row.run_after,
        queued_at=row.queued_at,
        started_at=row.start_date,
        ended_at=row.end_date,
    )


def lock_task(session: Session, name: str) -> None:
    """Hold a task's row until the session ends, so that requests for it pass one by one.

    An UPDATE that changes nothing locks the row in PostgreSQL and MySQL, and the file in SQLite,
    which knows no SELECT FOR UPDATE.
    """
    from airflow.models.dag import DagModel
    from sqlalchemy import update

    session.execute(
        update(DagModel)
        .where(DagModel.dag_id == name)
        .values(is_paused=DagModel.is_paused)
        .execution_options(synchronize_session=False)
    )


def start_run(session: Session, name: str, *, conf: Mapping[str, Any], user: str) -> str:
    """Make a manual run of a task, as that user's, and return its id."""
    from airflow.api.common.trigger_dag import trigger_dag
    from airflow.utils.types import DagRunTriggeredByType

    run = trigger_dag(
        name,
        triggered_by=DagRunTriggeredByType.REST_API,
        triggering_user_name=user,
        conf=dict(conf),
        session=session,
    )
    if run is None:
        raise RuntimeError(f"Airflow made no run of {name}.")
    return str(run.run_id)


def set_paused(session: Session, name: str, *, paused: bool) -> None:
    """Pause a task, or let it go on."""
    from airflow.models.dag import DagModel
    from sqlalchemy import update

    session.execute(update(DagModel).where(DagModel.dag_id == name).values(is_paused=paused))


def read_stored_schedules(session: Session) -> dict[str, StoredSchedule]:
    """Return the schedules changed at run time, by task; one that cannot be read is left out."""
    from airflow.models.variable import Variable
    from sqlalchemy import select

    query = select(Variable).where(Variable.key.startswith(VARIABLE_PREFIX, autoescape=True))
    found: dict[str, StoredSchedule] = {}
    for row in session.scalars(query):
        try:
            found[row.key.removeprefix(VARIABLE_PREFIX)] = StoredSchedule.from_text(row.val or "")
        except ValueError:
            continue
    return found


def store_schedule(session: Session, name: str, schedule: StoredSchedule | None) -> None:
    """Keep a task's changed schedule, or drop it (None), so that the setting counts again."""
    from airflow.models.variable import Variable
    from sqlalchemy import delete

    key = variable_key(name)
    if schedule is None:
        session.execute(delete(Variable).where(Variable.key == key))
        return
    description = (
        f"The schedule of {name}, changed at run time; delete it to bring its setting back"
    )
    Variable.set(key, schedule.to_text(), description=description, session=session)


def ask_for_parsing(name: str) -> None:
    """Ask the DAG processor to read a task's file next; a request that is there already serves."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbag import DagPriorityParsingRequest
    from sqlalchemy.exc import IntegrityError

    try:
        with metadata_session() as session:
            row = session.get(DagModel, name)
            if row is not None and row.relative_fileloc is not None:
                session.add(DagPriorityParsingRequest(row.bundle_name, row.relative_fileloc))
    except IntegrityError:
        return
