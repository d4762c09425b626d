"""How long the endpoints take, beside Airflow's own, in one run against one API server.

    python -m tests.benchmarks.api_latency [--requests 100]

Also: how long a process takes that loads the plugins, as every task does, with ours and without.
"""

from __future__ import annotations

import argparse
import json
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
    environment,
    prepare,
    running_airflow,
    write_dags,
)

from analytics_scheduler.local.processes import free_port

LOAD_PLUGINS = (
    "from airflow.sdk.execution_time import task_runner;"
    " from airflow.plugins_manager import _get_plugins; _get_plugins()"
)


def main() -> None:
    """Measure, and print a line for each figure."""
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
    """Send the four kinds of request in turn, so that all see the same machine."""
    token = airflow.token_of("admin")
    run = json.dumps({"logical_date": None}).encode()
    headers = {"Content-Type": "application/json"}
    airflow.metadata("UPDATE dag SET max_active_runs = 1000")

    def ours() -> int:
        return airflow.request("POST", "/api/scheduler/trigger/daily", token=token).status

    def theirs() -> int:
        path = "/api/v2/dags/weekly-snapshot/dagRuns"
        return airflow.request("POST", path, token=token, body=run, headers=headers).status

    kinds: dict[str, Callable[[], int]] = {
        "GET /api/scheduler/tasks": lambda: (
            airflow.request("GET", "/api/scheduler/tasks", token=token).status
        ),
        "GET /api/v2/dags": lambda: airflow.request("GET", "/api/v2/dags", token=token).status,
        "POST /api/scheduler/trigger/daily": ours,
        "POST /api/v2/dags/.../dagRuns": theirs,
    }
    taken: dict[str, list[float]] = {kind: [] for kind in kinds}
    for turn in range(requests + 5):
        for kind, send in kinds.items():
            airflow.metadata("UPDATE dag_run SET state = 'success'")
            begun = time.perf_counter()
            status = send()
            milliseconds = (time.perf_counter() - begun) * 1000
            if status != 200:
                raise RuntimeError(f"{kind} answered {status}")
            if turn >= 5:
                taken[kind].append(milliseconds)
    for kind, values in taken.items():
        cuts = statistics.quantiles(values, n=20)
        print(f"{kind:36} p50 {statistics.median(values):6.1f} ms   p95 {cuts[-1]:6.1f} ms")


def measure_start(home: Path, dags: Path, rounds: int = 7) -> None:
    """Load the plugins in new processes, with ours and without, in turn."""
    empty = home / "no-plugins"
    empty.mkdir()
    folders = {"with the plugin": REPOSITORY / "plugins", "without it": empty}
    taken: dict[str, list[float]] = {name: [] for name in folders}
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
            taken[name].append(time.perf_counter() - begun)
    for name, values in taken.items():
        print(
            f"start of a process {name:16} median {statistics.median(values):.2f} s"
            f"   from {min(values):.2f} to {max(values):.2f} s"
        )


if __name__ == "__main__":
    main()
