"""A client of the endpoints on one surface of a running Airflow, as an administrator or not."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.support.airflow_server import AirflowServer, Response

SURFACES = {"fastapi": "/api/scheduler", "blueprint": "/pluginsv2/api/scheduler"}
_CHANGING_TABLES = (
    "task_instance",
    "dag_run",
    "log",
    "variable",
    "dag_priority_parsing_request",
)


@dataclass(frozen=True, slots=True)
class Client:
    """Sends requests below a mount; `admin` and `viewer` are the tokens of two users."""

    airflow: AirflowServer
    mount: str
    admin: str
    viewer: str

    def get(self, path: str, **options: Any) -> Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Response:
        return self.request("POST", path, **options)

    def patch(self, path: str, body: bytes, **options: Any) -> Response:
        return self.request("PATCH", path, body=body, **options)

    def request(self, method: str, path: str, **options: Any) -> Response:
        """Send a request as the administrator, unless `token` is another one or None."""
        options.setdefault("token", self.admin)
        return self.airflow.request(method, self.mount + path, **options)

    def metadata(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Execute a statement in Airflow's own database, and return its rows."""
        return self.airflow.metadata(query, *values)

    def forget_everything(self) -> None:
        """Make the Airflow as it was before anybody used it."""
        for table in _CHANGING_TABLES:
            self.metadata(f"DELETE FROM {table}")
        self.metadata("UPDATE dag SET is_paused = 0, is_stale = 0, has_import_errors = 0")

    def add_run(
        self,
        task: str,
        moment: datetime,
        *,
        seconds: float = 10,
        run_type: str = "scheduled",
        state: str = "success",
        conf: str = "{}",
    ) -> None:
        """Store a run of a task that began at a moment and has ended."""
        begun, ended = _text(moment), _text(moment + timedelta(seconds=seconds))
        self.metadata(
            "INSERT INTO dag_run (dag_id, run_id, run_type, state, logical_date, run_after,"
            " queued_at, start_date, end_date, conf, clear_number, log_template_id, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 1, ?)",
            task,
            f"{run_type}__{uuid.uuid4()}",
            run_type,
            state,
            None if run_type == "manual" else begun,
            begun,
            begun,
            begun,
            ended,
            conf,
            ended,
        )

    def add_run_of_every_task(self, moment: datetime) -> None:
        """Store a successful run of every task."""
        for (task,) in self.metadata("SELECT dag_id FROM dag"):
            self.add_run(task, moment)

    def set_first_seen(self, moment: datetime, task: str | None = None) -> None:
        """Let Airflow have seen a task, or every task, from a moment on."""
        self.metadata(
            "UPDATE dag_version SET created_at = ? WHERE dag_id = coalesce(?, dag_id)",
            _text(moment),
            task,
        )


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")
