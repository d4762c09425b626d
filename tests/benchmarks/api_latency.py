"""How fast our endpoints answer, compared with Airflow's own on the same API server.

    python -m tests.benchmarks.api_latency [--requests 100]

It also measures a process that loads the plugins, as every task does, with our plugin and without.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.airflow_server import (
    REPOSITORY,
    AirflowServer,
    Response,
    environment,
    prepare,
    running_airflow,
    write_dags,
)

from analytics_scheduler.local.processes import free_port

WARM_UP = 5  # requests of each kind that are not counted
LOAD_PLUGINS = (
    "from airflow.sdk.execution_time import task_runner;"
    " from airflow.plugins_manager import _get_plugins; _get_plugins()"
)


def main() -> None:
    """Measure, and print a line for each result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=100)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        dags = write_dags(home / "dags")
        prepare(home, dags)
        with running_airflow(home, dags) as airflow:
            measure_endpoints(airflow, arguments.requests)
        measure_start(home, dags)


def measure_endpoints(airflow: AirflowServer, requests: int) -> None:
    """Send the four kinds of request in turn, so that the load of the machine affects all alike."""
    token = airflow.token_of("admin")
    airflow.metadata("UPDATE dag SET max_active_runs = 1000")
    kinds: dict[str, Callable[[], Response]] = {
        "GET /api/scheduler/tasks": lambda: airflow.request(
            "GET", "/api/scheduler/tasks", token=token
        ),
        "GET /api/v2/dags": lambda: airflow.request("GET", "/api/v2/dags", token=token),
        "POST /api/scheduler/trigger/daily": lambda: airflow.request(
            "POST", "/api/scheduler/trigger/daily", token=token
        ),
        "POST /api/v2/dags/.../dagRuns": lambda: airflow.request(
            "POST",
            "/api/v2/dags/weekly-snapshot/dagRuns",
            token=token,
            body=b'{"logical_date": null}',
            headers={"Content-Type": "application/json"},
        ),
    }
    milliseconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    for turn in range(WARM_UP + requests):
        for kind, send in kinds.items():
            airflow.metadata("UPDATE dag_run SET state = 'success'")
            begun = time.perf_counter()
            status = send().status
            taken = (time.perf_counter() - begun) * 1000
            if status != 200:
                raise RuntimeError(f"{kind} answered {status}")
            if turn >= WARM_UP:
                milliseconds[kind].append(taken)
    for kind, values in milliseconds.items():
        p95 = statistics.quantiles(values, n=20)[-1]
        print(f"{kind:36} p50 {statistics.median(values):6.1f} ms   p95 {p95:6.1f} ms")


def measure_start(home: Path, dags: Path, rounds: int = 7) -> None:
    """Load the plugins in new processes, alternately with our plugin and without."""
    empty = home / "no-plugins"
    empty.mkdir()
    folders = {"with the plugin": REPOSITORY / "plugins", "without it": empty}
    seconds: dict[str, list[float]] = {name: [] for name in folders}
    for _ in range(rounds):
        for name, folder in folders.items():
            environ = environment(home, dags, free_port())
            environ["AIRFLOW__CORE__PLUGINS_FOLDER"] = str(folder)
            begun = time.perf_counter()
            subprocess.run(
                [sys.executable, "-c", LOAD_PLUGINS],
                env={**os.environ, **environ},
                check=True,
                capture_output=True,
            )
            seconds[name].append(time.perf_counter() - begun)
    for name, values in seconds.items():
        print(
            f"start of a process {name:16} median {statistics.median(values):.2f} s"
            f"   from {min(values):.2f} to {max(values):.2f} s"
        )


if __name__ == "__main__":
    main()
