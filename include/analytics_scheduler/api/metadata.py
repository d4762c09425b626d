"""Tasks and runs in Airflow's metadata database.

Airflow's database models are not part of its public interface. Only this module,
`stored_schedules.py` and `audit.py` use them; everything else works on records.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from analytics_scheduler.api.records import RunRecord, TaskRecord
from analytics_scheduler.cron import CronClock
from analytics_scheduler.orchestration.schedules import TASK_TAG
from analytics_scheduler.settings import SCHEDULE_DEFAULTS

if TYPE_CHECKING:
    from airflow.models.dag import DagModel
    from airflow.models.dagrun import DagRun
    from sqlalchemy import Select
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.orm import Session

_BUSY_IN_SQLITE = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_PRIMARY_CODE = 0xFF  # the low byte of an extended result code of SQLite
_BUSY_SQLSTATES = frozenset(
    {
        "40001",  # serialization failure
        "40P01",  # deadlock detected
        "55P03",  # lock not available
        "57014",  # query canceled, which is what a statement timeout does
    }
)


@contextmanager
def metadata_session() -> Iterator[Session]:
    """Give a session that is committed at the end, or rolled back if an exception is raised.

    It is not the thread's shared session: a helper of Airflow that commits the shared one leaves
    this one alone.
    """
    from airflow.utils.session import create_session

    with create_session(scoped=False) as session:
        yield session


def is_busy(error: SQLAlchemyError) -> bool:
    """Return whether the database works, but could not serve this request in time.

    The driver says so by SQLite's result code or by SQLSTATE (`pgcode` in psycopg2); SQLAlchemy
    itself raises TimeoutError if its pool has no free connection.
    """
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.exc import TimeoutError as NoFreeConnection

    if isinstance(error, NoFreeConnection):
        return True
    cause = error.orig if isinstance(error, DBAPIError) else None
    if isinstance(cause, sqlite3.Error):
        return getattr(cause, "sqlite_errorcode", 0) & _PRIMARY_CODE in _BUSY_IN_SQLITE
    sqlstate = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return sqlstate in _BUSY_SQLSTATES


def read_tasks(session: Session) -> dict[str, TaskRecord]:
    """Return every task by name: the package's own DAGs, and those that carry its tag."""
    return {row.dag_id: _task_record(row) for row in session.scalars(_select_tasks())}


def lock_task(session: Session, name: str) -> TaskRecord | None:
    """Return a task, locked until the session ends, or None if there is no such task.

    Requests for one task thus run one after the other. An UPDATE that changes nothing locks the
    row in PostgreSQL and MySQL, and the file in SQLite, which has no SELECT FOR UPDATE.
    """
    from airflow.models.dag import DagModel
    from sqlalchemy import update

    session.execute(
        update(DagModel)
        .where(DagModel.dag_id == name)
        .values(is_paused=DagModel.is_paused)
        .execution_options(synchronize_session=False)
    )
    row = session.scalar(_select_tasks().where(DagModel.dag_id == name))
    return None if row is None else _task_record(row)


def _select_tasks() -> Select[DagModel]:
    from airflow.models.dag import DagModel, DagTag
    from sqlalchemy import or_, select

    tagged = select(DagTag.dag_id).where(DagTag.name == TASK_TAG)
    return select(DagModel).where(
        or_(DagModel.dag_id.in_(SCHEDULE_DEFAULTS), DagModel.dag_id.in_(tagged))
    )


def _task_record(row: DagModel) -> TaskRecord:
    return TaskRecord(
        name=row.dag_id,
        is_paused=bool(row.is_paused),
        is_missing=bool(row.is_stale),
        is_broken=bool(row.has_import_errors),
        is_scheduled=not row.timetable_type.endswith(".NullTimetable"),
        schedule_summary=row.timetable_summary or "",
        schedule_description=row.timetable_description or "",
        next_run=row.next_dagrun_create_after,
    )


def read_clock(session: Session, task: TaskRecord) -> CronClock | None:
    """Return the clock of a task's cron schedule as Airflow stores it, or None if it has none."""
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
    """Return when Airflow first saw each task, by name."""
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
    """Return the latest runs of a task by the time they stand for, the newest first.

    Without `states`, runs in any state count.
    """
    from airflow.models.dagrun import DagRun
    from sqlalchemy import func, select

    moment = func.coalesce(DagRun.logical_date, DagRun.run_after)
    query = select(DagRun).where(DagRun.dag_id == name)
    if states := list(states):
        query = query.where(DagRun.state.in_(states))
    return [_run_record(row) for row in session.scalars(query.order_by(moment.desc()).limit(limit))]


def find_waiting_run(session: Session, name: str) -> str | None:
    """Return the id of a queued run, or None; the runs of a backfill have their own queue."""
    from airflow.models.dagrun import DagRun
    from sqlalchemy import select

    query = select(DagRun.run_id).where(
        DagRun.dag_id == name, DagRun.state == "queued", DagRun.run_type != "backfill"
    )
    run_id: str | None = session.scalar(query.limit(1))
    return run_id


def _run_record(row: DagRun) -> RunRecord:
    return RunRecord(
        run_id=row.run_id,
        state=str(row.state),
        run_type=str(row.run_type),
        triggered_by=row.triggering_user_name,
        conf=row.conf or {},
        moment=row.logical_date or row.run_after,
        run_after=row.run_after,
        queued_at=row.queued_at,
        started_at=row.start_date,
        ended_at=row.end_date,
    )


def start_run(session: Session, name: str, *, conf: Mapping[str, Any], user: str) -> str:
    """Create a manual run of a task, triggered by a user, and return its id."""
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
        raise RuntimeError(f"Airflow created no run of {name}.")
    return str(run.run_id)


def set_paused(session: Session, name: str, *, paused: bool) -> None:
    """Pause or unpause a task."""
    from airflow.models.dag import DagModel
    from sqlalchemy import update

    session.execute(update(DagModel).where(DagModel.dag_id == name).values(is_paused=paused))
