"""A whole Airflow on loopback: API server, scheduler, DAG processor and triggerer.

Each runs in a session of its own. Log servers are left out: on one machine the API server reads
the task logs from their folder.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from analytics_scheduler.errors import AnalyticsError
from analytics_scheduler.local.airflow_home import USER, AirflowHome
from analytics_scheduler.local.airflow_questions import MONITORED, count_dags, healthy_parts
from analytics_scheduler.local.folders import find_checkout
from analytics_scheduler.local.processes import (
    free_port,
    ignore_signals,
    start,
    stop_sessions,
)

_PREFERRED_PORT = 8080
_START_SECONDS = 180.0
_TASKS_STOP_SECONDS = 6.0
_STOP_SECONDS = 3.0
_POLL_SECONDS = 0.3
_PARALLEL_TASKS = "6"


@dataclass(frozen=True, slots=True)
class Component:
    """A running part of Airflow, and the file that its output goes to."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path


@dataclass(frozen=True, slots=True)
class RunningAirflow:
    """The parts of a started Airflow, its address, and the administrator's password."""

    url: str
    user: str
    password: str
    components: tuple[Component, ...]
    dag_files: int

    def dead_component(self) -> Component | None:
        """Return a part that has ended, or None while all run."""
        ended = (each for each in self.components if each.process.poll() is not None)
        return next(ended, None)

    def wait_until_ready(self, tell: Callable[[str], None]) -> None:
        """Wait until every part reports that it works and the DAGs are read, or raise."""
        deadline = time.monotonic() + _START_SECONDS
        while missing := self._missing():
            self.require_alive()
            if time.monotonic() > deadline:
                raise AnalyticsError(
                    f"Airflow was not ready after {_START_SECONDS:.0f} seconds: {missing} is "
                    f"missing. Its logs: {self.components[0].log.parent}"
                )
            tell(f"waiting for {missing}")
            time.sleep(_POLL_SECONDS)

    def _missing(self) -> str:
        healthy = healthy_parts(self.url)
        missing = [name for name in MONITORED if name not in healthy]
        if missing:
            return ", ".join(missing)
        read = count_dags(self.url, self.user, self.password)
        return "" if read >= self.dag_files else f"DAGs ({read} of {self.dag_files})"

    def require_alive(self) -> None:
        """Raise AnalyticsError where a part has ended."""
        dead = self.dead_component()
        if dead is not None:
            raise AnalyticsError(
                f"Airflow's {dead.name} ended with status {dead.process.returncode}; the rest is "
                f"stopped. What it said is in {dead.log}"
            )

    def watch(self) -> None:
        """Stay until a part ends, which raises AnalyticsError, or a signal comes."""
        while True:
            self.require_alive()
            time.sleep(_POLL_SECONDS)


@contextmanager
def running_airflow(home: AirflowHome, *, port: int | None = None) -> Iterator[RunningAirflow]:
    """Start every part of Airflow, and stop them all at the end, tasks included.

    Without a port it is 8080, or a free one where that is taken.
    """
    port = free_port(_PREFERRED_PORT) if port is None else port
    url = f"http://127.0.0.1:{port}"
    password, user_settings = home.write_password()
    environ = home.variables(
        AIRFLOW__API__HOST="127.0.0.1",
        AIRFLOW__API__PORT=str(port),
        AIRFLOW__API__BASE_URL=url,
        AIRFLOW__API__WORKERS="1",
        AIRFLOW__CORE__EXECUTION_API_SERVER_URL=f"{url}/execution/",
        AIRFLOW__CORE__EXECUTOR="LocalExecutor",
        AIRFLOW__CORE__PARALLELISM=_PARALLEL_TASKS,
        **user_settings,
    )
    _require_metadata(home, environ)
    commands = {
        "api-server": ["api-server", "--host", "127.0.0.1", "--port", str(port)],
        "scheduler": ["scheduler", "--skip-serve-logs"],
        "dag-processor": ["dag-processor"],
        "triggerer": ["triggerer", "--skip-serve-logs"],
    }
    components: list[Component] = []
    try:
        for name, words in commands.items():
            log = home.logs / f"{name}.log"
            process = start(
                [sys.executable, "-P", "-m", "airflow", *words], environ=environ, log=log
            )
            components.append(Component(name, process, log))
        dag_files = len(list((find_checkout() / "dags").glob("*.py")))
        yield RunningAirflow(url, USER, password, tuple(components), dag_files)
    finally:
        ignore_signals()
        _stop(components)


def _stop(components: list[Component]) -> None:
    """Stop the scheduler with its tasks, which tell the API server of their end; then the rest.

    Nobody waits long: the tasks roll back at once, and Airflow's own database is thrown away.
    """
    scheduler = [each.process for each in components if each.name == "scheduler"]
    others = [each.process for each in components if each.name != "scheduler"]
    stop_sessions(scheduler, seconds=_TASKS_STOP_SECONDS)
    stop_sessions(others, seconds=_STOP_SECONDS)


def _require_metadata(home: AirflowHome, environ: dict[str, str]) -> None:
    """Give Airflow its own database: a copy of the template, which is made where it is missing."""
    if home.use_template():
        return
    log = home.logs / "metadata.log"
    module = "analytics_scheduler.local.airflow_home"
    words = [sys.executable, "-P", "-m", module, str(home.metadata_file), str(home.template)]
    process = start(words, environ=environ, log=log)
    try:
        status = process.wait()
    finally:
        stop_sessions([process])
    if status != 0:
        raise AnalyticsError(f"Airflow's own database could not be made. Why is in {log}")
