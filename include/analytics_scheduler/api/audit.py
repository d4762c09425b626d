"""The trail: every trigger and change, allowed or refused, in Airflow's own audit log."""

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
_MOST_ANONYMOUS = 60
_WINDOW = timedelta(minutes=1)
_MAX_TEXT = 300

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody wants to do: the event, the DAG where there is one, and what was asked."""

    event: str
    dag_id: str | None = None
    asked: Mapping[str, Any] = field(default_factory=dict)


def record_allowed(
    session: Session,
    attempt: Attempt,
    user: str,
    *,
    run_id: str | None = None,
    done: Mapping[str, Any] | None = None,
) -> None:
    """Record what is done, in the transaction that does it: nothing happens unrecorded."""
    outcome = {"outcome": "allowed", **({"run": run_id} if run_id else {}), **(done or {})}
    _add(session, attempt, user, outcome, run_id=run_id)


def record_refused(attempt: Attempt, user: str | None, refusal: ApiError) -> None:
    """Record what was refused; requests without a user at most sixty a minute.

    Without that bound anybody could fill Airflow's database. The log has every one of them.
    """
    from sqlalchemy.exc import SQLAlchemyError

    outcome = {"outcome": "refused", "status": refusal.status, "reason": refusal.error}
    log.warning(
        "event=%s outcome=refused status=%d user=%s",
        attempt.event,
        refusal.status,
        json.dumps(user or ANONYMOUS),
    )
    try:
        with metadata_session() as session:
            if user is None and _is_flooded(session):
                return
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
            Log.dttm > datetime.now(UTC) - _WINDOW,
            Log.event.in_((TRIGGER, CHANGE)),
            Log.owner == ANONYMOUS,
        )
    )
    return (session.scalar(recent) or 0) >= _MOST_ANONYMOUS


def _add(
    session: Session,
    attempt: Attempt,
    user: str,
    outcome: Mapping[str, Any],
    *,
    run_id: str | None = None,
) -> None:
    from airflow.models.log import Log

    extra = {**attempt.asked, **outcome}
    session.add(
        Log(
            event=attempt.event,
            owner=user,
            owner_display_name=user,
            extra=json.dumps({name: _bounded(value) for name, value in extra.items()}),
            dag_id=attempt.dag_id,
            run_id=run_id,
        )
    )


def _bounded(value: Any) -> Any:
    return value[:_MAX_TEXT] if isinstance(value, str) else value
