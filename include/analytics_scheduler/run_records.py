"""One record a run of any task, in the database that the run wrote to."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from psycopg import Connection

from analytics_scheduler.database import statement
from analytics_scheduler.settings import DatabaseSettings


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
    """Store a run with its outcome (success, partial, failed or deferred) and report; commits."""
    with connection.transaction():
        connection.execute(
            statement("runs/insert_run", settings),
            {
                "task": task,
                "run_id": run_id,
                "outcome": outcome,
                "started_at": started_at,
                "report": json.dumps(report, default=str),
            },
        )
