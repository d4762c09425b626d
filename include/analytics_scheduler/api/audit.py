"""The record of every trigger and change, allowed or refused, in Airflow's own audit log."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from analytics_scheduler.api.messages import ApiError
from analytics_scheduler.api.metadata import metadata_session

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

TRIGGER = "scheduler.trigger"
CHANGE = "scheduler.change"
ANONYMOUS = "anonymous"
_MAX_ANONYMOUS_ENTRIES = 60
_ANONYMOUS_WINDOW = timedelta(minutes=1)
_MAX_TEXT_CHARACTERS = 300

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a caller asks for: the event, the DAG if it is known, and details for the audit log."""

    event: str
    dag_id: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


def record_allowed(
    session: Session, attempt: Attempt, user: str, *, run_id: str | None = None, **done: Any
) -> None:
    """Record what is done, in the transaction that does it, so that nothing goes unrecorded."""
    run = {} if run_id is None else {"run": run_id}
    _add(session, attempt, user, {"outcome": "allowed", **run, **done}, run_id=run_id)


def record_refused(attempt: Attempt, user: str | None, error: ApiError) -> None:
    """Record a refused attempt; without a valid token (`user` is None), at most sixty a minute.

    Otherwise anybody could fill Airflow's database. The log of the process has every attempt.
    """
    from sqlalchemy.exc import SQLAlchemyError

    log.warning(
        "event=%s outcome=refused status=%d user=%s",
        attempt.event,
        error.status,
        json.dumps(user or ANONYMOUS),
    )
    outcome = {"outcome": "refused", "status": error.status, "reason": error.message}
    try:
        with metadata_session() as session:
            if user is not None or not _is_flooded(session):
                _add(session, attempt, user or ANONYMOUS, outcome)
    except SQLAlchemyError:
        log.exception("event=audit_failed attempt=%s", attempt.event)


def _is_flooded(session: Session) -> bool:
    from airflow.models.log import Log
    from sqlalchemy import func, select

    recent = (
        select(func.count())
        .select_from(Log)
        .where(
            Log.dttm > datetime.now(UTC) - _ANONYMOUS_WINDOW,
            Log.event.in_((TRIGGER, CHANGE)),
            Log.owner == ANONYMOUS,
        )
    )
    return (session.scalar(recent) or 0) >= _MAX_ANONYMOUS_ENTRIES


def _add(
    session: Session,
    attempt: Attempt,
    user: str,
    outcome: Mapping[str, Any],
    *,
    run_id: str | None = None,
) -> None:
    from airflow.models.log import Log

    extra = {
        name: value[:_MAX_TEXT_CHARACTERS] if isinstance(value, str) else value
        for name, value in {**attempt.details, **outcome}.items()
    }
    session.add(
        Log(
            event=attempt.event,
            owner=user,
            owner_display_name=user,
            extra=json.dumps(extra),
            dag_id=attempt.dag_id,
            run_id=run_id,
        )
    )
