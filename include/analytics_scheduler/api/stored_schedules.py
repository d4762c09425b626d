"""Schedules that were changed at run time, which Airflow stores as Variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analytics_scheduler.api.metadata import metadata_session
from analytics_scheduler.orchestration.schedules import (
    VARIABLE_PREFIX,
    StoredSchedule,
    variable_key,
)

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def read_stored_schedules(session: Session) -> dict[str, StoredSchedule]:
    """Return the schedules that were changed at run time, by task; invalid ones are left out."""
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
    """Store a task's new schedule; None deletes it, so that the task's setting applies again."""
    from airflow.models.variable import Variable
    from sqlalchemy import delete

    key = variable_key(name)
    if schedule is None:
        session.execute(delete(Variable).where(Variable.key == key))
        return
    description = (
        f"The schedule of {name}, changed at run time. Delete it to return to the task's setting."
    )
    Variable.set(key, schedule.to_text(), description=description, session=session)


def request_parsing(name: str) -> None:
    """Ask the DAG processor to read a task's file next, unless that is requested already."""
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
