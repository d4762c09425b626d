"""One record a run of any task, in the database that the run wrote to."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from psycopg import Connection

from analytics_scheduler.alerts.events import RunEnd
from analytics_scheduler.alerts.outbox import store_run
from analytics_scheduler.database import statement
from analytics_scheduler.memory import peak_memory_mib
from analytics_scheduler.settings import DatabaseSettings

_LOGGER = logging.getLogger(__name__)


def record_run(
    connection: Connection[Any],
    settings: DatabaseSettings,
    *,
    task: str,
    run_id: str,
    outcome: str,
    started_at: datetime,
    report: dict[str, Any],
) -> None:
    """Store a run with its outcome (success, partial, failed or deferred) and report; commits.

    The report gets this process's peak memory where it has none. The alerts that the run means
    are stored with it. Once stored, the run is one line of key=value fields in the log.
    """
    report = {"peak_memory_mib": peak_memory_mib()} | report
    with connection.transaction():
        row = connection.execute(
            statement("insert_run", settings),
            {
                "task": task,
                "run_id": run_id,
                "outcome": outcome,
                "started_at": started_at,
                "report": json.dumps(report, default=str),
            },
        ).fetchone()
        ended = RunEnd(
            task=task,
            run_id=run_id,
            outcome=outcome,
            started_at=started_at,
            finished_at=row[0] if row else datetime.now(UTC),
            report=report,
        )
        store_run(connection, settings, ended)
    _LOGGER.info(
        "%s",
        run_line(
            task=task,
            run_id=run_id,
            outcome=outcome,
            started_at=started_at,
            ended_at=ended.finished_at,
            report=report,
        ),
    )


def is_recorded(
    connection: Connection[Any],
    settings: DatabaseSettings,
    *,
    task: str,
    run_id: str,
    since: datetime,
) -> bool:
    """Return whether a run has left a record since a moment: one that is cleared leaves another."""
    row = connection.execute(
        statement("count_records", settings),
        {"task": task, "run_id": run_id, "since": since},
    ).fetchone()
    connection.rollback()
    return bool(row and row[0])


def run_line(
    *,
    task: str,
    run_id: str,
    outcome: str,
    started_at: datetime,
    ended_at: datetime,
    report: Mapping[str, Any],
) -> str:
    """Return a run as key=value fields: what it is, then every single value of its report."""
    fields = {
        "event": "run",
        "task": task,
        "run": run_id,
        "outcome": outcome,
        "elapsed_seconds": round((ended_at - started_at).total_seconds(), 3),
    }
    single = {
        name: value
        for name, value in report.items()
        if name not in fields and isinstance(value, str | int | float)
    }
    return " ".join(f"{name}={_word(value)}" for name, value in (fields | single).items())


def _word(value: object) -> str:
    text = str(value)
    return text if text and not set(text) & set(' ="\n\r\t') else repr(text)
