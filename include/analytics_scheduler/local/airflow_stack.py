"""A whole Airflow on loopback: API server, scheduler, DAG processor and triggerer.

Each component runs in its own session. There are no log servers: on one machine the API server
reads the logs of tasks from their folder.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analytics_scheduler.errors import AnalyticsError
from analytics_scheduler.local.airflow_home import USER, AirflowHome
from analytics_scheduler.local.folders import find_checkout
from analytics_scheduler.local.processes import (
    free_port,
    ignore_signals,
    start,
    stop_sessions,
)

_HOST = "127.0.0.1"
_COMPONENTS = {
    "api-server": [],
    "scheduler": ["--skip-serve-logs"],
    "dag-processor": [],
    "triggerer": ["--skip-serve-logs"],
}
_MONITORED = ("metadatabase", "scheduler", "triggerer", "dag_processor")
_REQUEST_SECONDS = 10
_PREFERRED_PORT = 8080
_START_SECONDS = 180.0
_TASKS_STOP_SECONDS = 6.0
_STOP_SECONDS = 3.0
_POLL_SECONDS = 0.3
_PARALLEL_TASKS = "6"


@dataclass(frozen=True, slots=True)
class Component:
    """A running component of Airflow, and the file that its output goes to."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path


@dataclass(frozen=True, slots=True)
class RunningAirflow:
    """The components of a started Airflow, its address, and the administrator's password."""

    url: str
    user: str
    password: str
    components: tuple[Component, ...]
    dag_files: int

    def wait_until_ready(self, progress: Callable[[str], None]) -> None:
        """Wait until every component is healthy and the DAGs are read, or raise AnalyticsError."""
        deadline = time.monotonic() + _START_SECONDS
        while missing := self._missing():
            self.require_alive()
            if time.monotonic() > deadline:
                raise AnalyticsError(
                    f"Airflow was not ready after {_START_SECONDS:.0f} seconds; still waiting for "
                    f"{missing}. See the logs in {self.components[0].log.parent}"
                )
            progress(f"waiting for {missing}")
            time.sleep(_POLL_SECONDS)

    def require_alive(self) -> None:
        """Raise AnalyticsError if a component has ended."""
        for component in self.components:
            status = component.process.poll()
            if status is not None:
                raise AnalyticsError(
                    f"Airflow's {component.name} ended with status {status}, so the rest is "
                    f"stopped. See {component.log}"
                )

    def watch(self) -> None:
        """Block until a signal arrives, or raise AnalyticsError when a component ends."""
        while True:
            self.require_alive()
            time.sleep(_POLL_SECONDS)

    def _missing(self) -> str:
        healthy = self._healthy_components()
        missing = [name for name in _MONITORED if name not in healthy]
        if missing:
            return ", ".join(missing)
        read = self._count_dags()
        return "" if read >= self.dag_files else f"DAGs ({read} of {self.dag_files})"

    def _healthy_components(self) -> list[str]:
        try:
            health = _request(f"{self.url}/api/v2/monitor/health")
        except (OSError, ValueError):
            return []
        return [name for name in _MONITORED if (health.get(name) or {}).get("status") == "healthy"]

    def _count_dags(self) -> int:
        """Return how many DAG files Airflow has read, broken ones included."""
        login = json.dumps({"username": self.user, "password": self.password}).encode()
        try:
            token = _request(f"{self.url}/auth/token", data=login)["access_token"]
            return sum(
                int(_request(f"{self.url}/api/v2/{kind}?limit=1", token=token)["total_entries"])
                for kind in ("dags", "importErrors")
            )
        except (OSError, ValueError, KeyError):
            return 0


def _request(url: str, *, data: bytes | None = None, token: str | None = None) -> dict[str, Any]:
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, data=data, headers=headers)
    with urllib.request.urlopen(request, timeout=_REQUEST_SECONDS) as response:
        document: dict[str, Any] = json.loads(response.read())
        return document


@contextmanager
def running_airflow(home: AirflowHome, *, port: int | None = None) -> Iterator[RunningAirflow]:
    """Start every component of Airflow, and stop them all in the end, with their tasks.

    Without a port it is 8080, or a free one if 8080 is taken.
    """
    port = free_port(_PREFERRED_PORT) if port is None else port
    url = f"http://{_HOST}:{port}"
    password, user_settings = home.write_password()
    environ = home.variables(
        AIRFLOW__API__HOST=_HOST,
        AIRFLOW__API__PORT=str(port),
        AIRFLOW__API__BASE_URL=url,
        AIRFLOW__API__WORKERS="1",
        AIRFLOW__CORE__EXECUTION_API_SERVER_URL=f"{url}/execution/",
        AIRFLOW__CORE__EXECUTOR="LocalExecutor",
        AIRFLOW__CORE__PARALLELISM=_PARALLEL_TASKS,
        **user_settings,
    )
    _provide_metadata(home, environ)
    dag_files = len(list((find_checkout() / "dags").glob("*.py")))
    components: list[Component] = []
    try:
        for name, options in _COMPONENTS.items():
            log = home.logs / f"{name}.log"
            command = [sys.executable, "-P", "-m", "airflow", name, *options]
            components.append(Component(name, start(command, environ=environ, log=log), log))
        yield RunningAirflow(url, USER, password, tuple(components), dag_files)
    finally:
        ignore_signals()
        _stop(components)


def _stop(components: list[Component]) -> None:
    """Stop the scheduler and its tasks, which report their end to the API server; then the rest.

    A short wait is enough: tasks roll back at once, and Airflow's own database is thrown away.
    """
    scheduler = [each.process for each in components if each.name == "scheduler"]
    others = [each.process for each in components if each.name != "scheduler"]
    stop_sessions(scheduler, seconds=_TASKS_STOP_SECONDS)
    stop_sessions(others, seconds=_STOP_SECONDS)


def _provide_metadata(home: AirflowHome, environ: dict[str, str]) -> None:
    """Give Airflow its own database: a copy of the template, which is created if it is missing."""
    if home.use_template():
        return
    log = home.logs / "metadata.log"
    module = "analytics_scheduler.local.airflow_home"
    command = [sys.executable, "-P", "-m", module, str(home.metadata_file), str(home.template)]
    process = start(command, environ=environ, log=log)
    try:
        status = process.wait()
    finally:
        stop_sessions([process])
    if status != 0:
        raise AnalyticsError(f"Airflow's own database could not be created. See {log}")
