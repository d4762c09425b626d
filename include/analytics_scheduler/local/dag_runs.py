"""Run every DAG of a folder once, in a process of its own.

`dag_runner` is the side of the command; this module, started as a program, is the side that imports
Airflow. Outcomes come back line by line through a pipe, so that everything that Airflow prints goes
to the log file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from analytics_scheduler.errors import AnalyticsError
from analytics_scheduler.local.airflow_home import AirflowHome, create_metadata
from analytics_scheduler.local.processes import start, stop_sessions
from analytics_scheduler.settings import SCHEDULE_DEFAULTS

if TYPE_CHECKING:
    from airflow.sdk import DAG

LOG_NAME = "airflow.log"


@dataclass(frozen=True, slots=True)
class DagOutcome:
    """How the run of a DAG ended; `reason` names the failed tasks, or why the file was not read."""

    dag: str
    state: str
    seconds: float
    reason: str = ""

    @property
    def is_success(self) -> bool:
        """Whether nothing failed; a skipped task is not a failure."""
        return self.state == "success"


@dataclass(frozen=True, slots=True)
class DagRunner:
    """A process that loads Airflow, and then waits for `run`."""

    process: subprocess.Popen[bytes]
    reports: TextIO
    log: Path

    def run(self) -> Iterator[DagOutcome]:
        """Run the DAGs and yield each outcome as it comes; raise AnalyticsError if Airflow ends."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        for line in self.reports:
            yield DagOutcome(**json.loads(line))
        if self.process.wait() != 0:
            raise AnalyticsError(
                f"Airflow ended with status {self.process.returncode} before the DAGs were done. "
                f"See {self.log}"
            )


@contextmanager
def dag_runner(home: AirflowHome, environ: dict[str, str]) -> Iterator[DagRunner]:
    """Start the process that runs the DAGs; it ends with the block."""
    log = home.logs / LOG_NAME
    for_reading, for_writing = os.pipe()
    module = "analytics_scheduler.local.dag_runs"
    template = [] if home.use_template() else [str(home.template)]
    with os.fdopen(for_reading, encoding="utf-8") as reports:
        try:
            process = start(
                [sys.executable, "-P", "-m", module, str(for_writing), *template],
                environ=environ,
                log=log,
                stdin=subprocess.PIPE,
                pass_fds=(for_writing,),
            )
        finally:
            os.close(for_writing)
        try:
            yield DagRunner(process, reports, log)
        finally:
            stop_sessions([process])


def main(arguments: list[str]) -> int:
    """Load Airflow and the DAGs, wait until stdin is closed, then run and report each DAG."""
    with os.fdopen(int(arguments[0]), "w", encoding="utf-8") as reports:
        os.set_inheritable(reports.fileno(), False)
        if arguments[1:]:
            create_metadata(Path(os.environ["AIRFLOW_HOME"]) / "airflow.db", Path(arguments[1]))
        dags, broken = _load_dags()
        sys.stdin.read()
        for outcome in broken:
            _report(reports, outcome)
        for dag in dags:
            _report(reports, _run_once(dag))
    return 0


def _load_dags() -> tuple[list[DAG], list[DagOutcome]]:
    from airflow.dag_processing.dagbag import DagBag

    bag: Any = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"])
    places = {name: place for place, name in enumerate(SCHEDULE_DEFAULTS)}
    dags = sorted(bag.dags.values(), key=lambda dag: (places.get(dag.dag_id, 99), dag.dag_id))
    broken = [
        DagOutcome(Path(file).name, "failed", 0.0, str(error).strip().splitlines()[-1])
        for file, error in bag.import_errors.items()
    ]
    return dags, broken


def _run_once(dag: DAG) -> DagOutcome:
    started = time.monotonic()
    run: Any = dag.test()
    failed = sorted({str(each.task_id) for each in run.get_task_instances() if _failed(each)})
    reason = f"failed: {', '.join(failed)}" if failed else ""
    return DagOutcome(dag.dag_id, str(run.state), round(time.monotonic() - started, 2), reason)


def _failed(task_instance: Any) -> bool:
    return str(task_instance.state) in {"failed", "upstream_failed"}


def _report(reports: TextIO, outcome: DagOutcome) -> None:
    print(json.dumps(asdict(outcome)), file=reports, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
