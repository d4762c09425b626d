"""`POST trigger/{type}`: start one snapshot run, for the last complete period or for a date."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from analytics_scheduler.api import audit
from analytics_scheduler.api.auth import Caller
from analytics_scheduler.api.messages import Answer, ApiError, Request, success
from analytics_scheduler.api.metadata import (
    find_waiting_run,
    lock_task,
    metadata_session,
    start_run,
)
from analytics_scheduler.periods import parse_day
from analytics_scheduler.settings import CalendarSettings
from analytics_scheduler.vocabulary import PeriodType

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

TRIGGERED_EXAMPLE: Mapping[str, Any] = {
    "success": True,
    "message": "daily snapshot triggered successfully",
}
# A request that waits for the lock of a row holds a database connection, so that in each process
# only one request for a DAG may wait for it; the others wait here.
_TURNS: Mapping[str, threading.Lock] = MappingProxyType(
    {period_type.value: threading.Lock() for period_type in PeriodType}
)


def attempt_of_trigger(request: Request, name: str) -> audit.Attempt:
    """Return what the audit log says about a request for a run, valid or not."""
    details = {"action": "trigger", "type": name, "date": dict(request.query).get("date")}
    dag_id = PeriodType(name).task if name in _TURNS else None
    return audit.Attempt(audit.TRIGGER, dag_id, details)


def trigger_snapshot(
    name: str, query: Mapping[str, str], body: bytes, caller: Caller, attempt: audit.Attempt
) -> Answer:
    """Start a snapshot run of the period type `name`, and answer with the run's location.

    Raises ApiError: 400 for an unknown type or a body, 409 if the DAG cannot run or a run is
    queued already. Raises PeriodError for a date that does not lie in a complete period.
    """
    if name not in _TURNS:
        raise ApiError(400, "Invalid snapshot type")
    period_type = PeriodType(name)
    conf = _conf_of(period_type, query.get("date"))
    if body.strip() not in {b"", b"{}"}:
        raise ApiError(400, "A trigger takes no body. To name a date, send ?date=YYYY-MM-DD.")
    dag_id = period_type.task
    with _TURNS[name], metadata_session() as session:
        run_id = _start(session, dag_id, conf, caller)
        audit.record_allowed(session, attempt, caller.name, run_id=run_id)
    return success(
        message=f"{name} snapshot triggered successfully",
        headers={"Location": run_location(dag_id, run_id)},
    )


def _conf_of(period_type: PeriodType, date: str | None) -> dict[str, str]:
    if date is None:
        return {}
    day = parse_day(date)
    CalendarSettings.load().calendar().period_of_date(period_type, day, now=datetime.now(UTC))
    return {"date": day.isoformat()}


def _start(session: Session, dag_id: str, conf: Mapping[str, str], caller: Caller) -> str:
    from airflow.sdk.exceptions import AirflowException

    task = lock_task(session, dag_id)
    if task is None or task.is_missing:
        raise ApiError(
            409,
            f"The DAG {dag_id} is unknown to Airflow. Check that its file is in the DAG folder.",
        )
    if task.is_broken:
        raise ApiError(
            409, f"The DAG {dag_id} is broken. Fix the import error that the Airflow UI shows."
        )
    if task.is_paused:
        raise ApiError(409, f"The DAG {dag_id} is paused. Unpause it first.")
    waiting = find_waiting_run(session, dag_id)
    if waiting is not None:
        raise ApiError(409, f"A run of {dag_id} is queued already: {waiting}.")
    try:
        return start_run(session, dag_id, conf=conf, user=caller.name)
    except (AirflowException, ValueError) as error:
        raise ApiError(409, f"Airflow did not start {dag_id}: {error}") from error


def run_location(dag_id: str, run_id: str) -> str:
    """Return the path of a run in Airflow's own REST API, with the path of its base URL."""
    from airflow.configuration import conf

    base = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")
    return f"{base}/api/v2/dags/{quote(dag_id, safe='')}/dagRuns/{quote(run_id, safe='')}"
