"""`POST trigger/{type}`: one snapshot run, for the last complete period or for a date."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from analytics_scheduler.api import audit
from analytics_scheduler.api.messages import Answer, ApiError, Request, success
from analytics_scheduler.api.metadata import (
    find_waiting_run,
    lock_task,
    metadata_session,
    read_task,
    start_run,
)
from analytics_scheduler.periods import parse_day
from analytics_scheduler.settings import CalendarSettings
from analytics_scheduler.vocabulary import PeriodType

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from analytics_scheduler.api.auth import Caller

# Waiting for the row's lock takes a database connection; of each process only one may wait.
_TURNS: Mapping[str, threading.Lock] = MappingProxyType(
    {period_type.value: threading.Lock() for period_type in PeriodType}
)


def describe_trigger(request: Request, kind: str) -> audit.Attempt:
    """Return what a trigger stands for in the audit log."""
    asked = {"action": "trigger", "type": kind, "date": dict(request.query).get("date")}
    return audit.Attempt(audit.TRIGGER, _dag_id(kind) if kind in _TURNS else None, asked)


def trigger_snapshot(request: Request, kind: str, caller: Caller) -> Answer:
    """Start a run, or refuse: 400 for a bad type or date, 409 where it could not run."""
    if kind not in _TURNS:
        raise ApiError(400, "Invalid snapshot type")
    conf = _wanted_conf(request, PeriodType(kind))
    if request.body.strip() not in {b"", b"{}"}:
        raise ApiError(400, "The trigger takes no body: name a date as ?date=YYYY-MM-DD.")
    dag_id = _dag_id(kind)
    with _TURNS[kind], metadata_session() as session:
        lock_task(session, dag_id)
        _refuse_what_cannot_run(session, dag_id)
        run_id = _start(session, dag_id, conf, caller)
        attempt = describe_trigger(request, kind)
        audit.record_allowed(session, attempt, caller.name, run_id=run_id)
    return success(
        message=f"{kind} snapshot triggered successfully",
        headers={"Location": run_location(dag_id, run_id)},
    )


def _start(session: Session, dag_id: str, conf: Mapping[str, str], caller: Caller) -> str:
    from airflow.sdk.exceptions import AirflowException

    try:
        return start_run(session, dag_id, conf=conf, user=caller.name)
    except (AirflowException, ValueError) as error:
        raise ApiError(409, f"Airflow does not start {dag_id}: {error}") from error


def run_location(dag_id: str, run_id: str) -> str:
    """Return the path of a run in Airflow's own REST interface, below its base URL."""
    from airflow.configuration import conf

    base = urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")
    return f"{base}/api/v2/dags/{quote(dag_id, safe='')}/dagRuns/{quote(run_id, safe='')}"


def _dag_id(kind: str) -> str:
    return f"{kind}-snapshot"


def _wanted_conf(request: Request, period_type: PeriodType) -> dict[str, str]:
    text = request.parameters("date").get("date")
    if text is None:
        return {}
    day = parse_day(text)
    CalendarSettings.load().calendar().period_of_date(period_type, day, now=datetime.now(UTC))
    return {"date": day.isoformat()}


def _refuse_what_cannot_run(session: Session, dag_id: str) -> None:
    task = read_task(session, dag_id)
    if task is None or task.is_missing:
        raise ApiError(
            409, f"The DAG {dag_id} is unknown to Airflow: is its file in the DAG folder?"
        )
    if task.is_broken:
        raise ApiError(409, f"The DAG {dag_id} is broken: Airflow shows its import error.")
    if task.is_paused:
        raise ApiError(409, f"The DAG {dag_id} is paused: let it go on first.")
    waiting = find_waiting_run(session, dag_id)
    if waiting is not None:
        raise ApiError(409, f"The run {waiting} of {dag_id} is already waiting.")
