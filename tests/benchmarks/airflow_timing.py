"""How long a run takes from its trigger to its end in a running Airflow, beside an empty DAG."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.airflow_api import ask

from analytics_scheduler.local.airflow_home import AirflowHome
from analytics_scheduler.local.airflow_stack import running_airflow
from analytics_scheduler.local.processes import free_port

DAGS = Path(__file__).parents[2] / "dags"
EMPTY = """
from datetime import datetime

from airflow.sdk import DAG, task

with DAG("empty", schedule=None, start_date=datetime(2020, 1, 1), is_paused_upon_creation=False):

    @task
    def nothing():
        pass

    nothing()
"""
POLL_SECONDS = 0.02
DEADLINE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class _Home(AirflowHome):
    """An Airflow whose DAGs stand in its own folder."""

    def variables(self, **more: str) -> dict[str, str]:
        ours = {
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.folder / "dags"),
            "SCHEDULER_ENABLED": "false",
        }
        return {**AirflowHome.variables(self, **more), **ours}


@contextmanager
def triggered_runs(database_url: str) -> Iterator[Callable[[str], float]]:
    """Start an Airflow; give what triggers a DAG and returns the seconds until its run ends."""
    given = os.environ.get("DATABASE_URL")
    os.environ["DATABASE_URL"] = database_url
    try:
        with tempfile.TemporaryDirectory(prefix="analytics-benchmark-") as name:
            folder = Path(name)
            (folder / "logs").mkdir()
            shutil.copytree(DAGS, folder / "dags")
            (folder / "dags" / "empty.py").write_text(EMPTY)
            home = _Home(folder, folder / "logs", folder / "template.db")
            with running_airflow(home, port=free_port()) as airflow:
                airflow.wait_until_ready(lambda _: None)
                login = {"username": airflow.user, "password": airflow.password}
                token = ask(f"{airflow.url}/auth/token", method="POST", body=login)["access_token"]
                yield lambda dag: _seconds_of(f"{airflow.url}/api/v2/dags/{dag}/dagRuns", token)
    finally:
        os.environ.pop("DATABASE_URL")
        if given is not None:
            os.environ["DATABASE_URL"] = given


def _seconds_of(runs: str, token: str) -> float:
    started = time.perf_counter()
    run = ask(runs, method="POST", token=token, body={"logical_date": None})
    while time.perf_counter() - started < DEADLINE_SECONDS:
        state = ask(f"{runs}/{run['dag_run_id']}", token=token)["state"]
        if state == "success":
            return time.perf_counter() - started
        assert state in {"queued", "running"}, f"{runs} ended as {state}"
        time.sleep(POLL_SECONDS)
    raise TimeoutError(f"{runs} does not end.")
