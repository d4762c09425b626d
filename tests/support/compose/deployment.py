"""A running stack of docker-compose.yaml with an inventory, and requests to it."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from tests.support.airflow_api import ask, log_in
from tests.support.compose.file import REPOSITORY, read_services
from tests.support.compose.stack import LocalStack, local_stack
from tests.support.database import rows, value

from analytics_scheduler.database import connected
from analytics_scheduler.local.sample import load_sample
from analytics_scheduler.local.servers import create_database, database_url
from analytics_scheduler.migrations import migrate
from analytics_scheduler.queries import Queries
from analytics_scheduler.settings import CalendarSettings, DatabaseSettings, SnapshotSettings
from analytics_scheduler.snapshots import metrics, request_for, take_snapshots
from analytics_scheduler.snapshots.context import RunSettings
from analytics_scheduler.vocabulary import PeriodType

_DAG = "daily-snapshot"
_DEADLINE_SECONDS = 120
_FIGURES = f"""
    SELECT location_id, period_type, period_start, period_end, {metrics.columns()}
    FROM analytics_snapshots ORDER BY location_id, period_type, period_start
"""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A running stack, and a second database with the same inventory, used by nothing else."""

    stack: LocalStack
    variables: Mapping[str, str]
    url: str
    token: str
    inventory: str
    undisturbed: str

    def ask(self, method: str, path: str) -> dict[str, Any]:
        return ask(self.url + path, method=method, token=self.token)

    def wait_until_read(self) -> None:
        """Wait until Airflow has read the DAG; its processor is healthy before that."""
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while not self.ask("GET", f"/api/v2/dags?dag_id_pattern={_DAG}")["dags"]:
            assert time.monotonic() < deadline, self.ask("GET", "/api/v2/importErrors")
            time.sleep(0.3)

    def trigger(self, query: str = "") -> str:
        """Trigger a daily snapshot through the documented endpoint; return the id of its run."""
        answer = self.ask("POST", f"/api/scheduler/trigger/daily{query}")
        assert answer["message"] == "daily snapshot triggered successfully"
        runs = self.ask("GET", f"/api/v2/dags/{_DAG}/dagRuns?order_by=-run_after&limit=1")
        return str(runs["dag_runs"][0]["dag_run_id"])

    def ranges(self, run_id: str) -> list[dict[str, Any]]:
        """Return the task instances of a run that write its ranges."""
        path = f"/api/v2/dags/{_DAG}/dagRuns/{run_id}/taskInstances?limit=300"
        found: list[dict[str, Any]] = self.ask("GET", path)["task_instances"]
        return [task for task in found if task["task_id"] == "write_snapshots"]

    def running_ranges(self, run_id: str, count: int) -> list[dict[str, Any]]:
        """Wait until `count` ranges of a run are being written; return their task instances."""
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while True:
            tasks = self.ranges(run_id)
            running = [task for task in tasks if task["state"] == "running"]
            if len(running) == count:
                return running
            assert time.monotonic() < deadline, self.where_it_stands(run_id)
            time.sleep(0.3)

    def wait_for_run(self, run_id: str, *, seconds: float = _DEADLINE_SECONDS) -> str:
        """Wait for the end of a run; return its state."""
        deadline = time.monotonic() + seconds
        path = f"/api/v2/dags/{_DAG}/dagRuns/{run_id}"
        while (state := self.ask("GET", path)["state"]) in ("queued", "running"):
            assert time.monotonic() < deadline, self.where_it_stands(run_id)
            time.sleep(0.3)
        return str(state)

    def where_it_stands(self, run_id: str) -> list[tuple[Any, ...]]:
        wanted = ("map_index", "state", "hostname", "try_number")
        return [tuple(task[name] for name in wanted) for task in self.ranges(run_id)]

    def wait_for_sessions(self, count: int) -> None:
        """Wait until the package has `count` sessions in the inventory; it must not have more."""
        deadline = time.monotonic() + _DEADLINE_SECONDS
        while (found := self.sessions()) != count:
            assert found < count
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def sessions(self) -> int:
        """Count the sessions of the package in the inventory."""
        return int(
            value(
                self.stack.superuser_url,
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = 'inventory' AND application_name = 'analytics-scheduler'",
            )
        )

    @contextmanager
    def held_ranges(self, count: int, *, of: int) -> Iterator[None]:
        """Lock a location in each of the first ranges, whose writers wait for the block's end."""
        ids: list[UUID] = [
            id_ for (id_,) in rows(self.inventory, "SELECT id FROM locations ORDER BY id")
        ]
        held = ids[:: len(ids) // of][:count]
        with psycopg.connect(self.inventory) as connection:
            connection.execute("SELECT FROM locations WHERE id = ANY(%s) FOR UPDATE", (held,))
            yield

    def take_undisturbed(self, day: date | None) -> None:
        """Take the same snapshot in this process, in the second database."""
        setup = RunSettings(
            database=DatabaseSettings.load({"DATABASE_URL": self.undisturbed}),
            snapshots=SnapshotSettings.load({}),
            calendar=CalendarSettings.load({}).calendar(),
        )
        now = datetime.now(UTC)
        request = request_for(
            PeriodType.DAILY,
            setup.calendar,
            run_id="undisturbed",
            moment=now,
            now=now,
            date_wanted=day,
        )
        with connected(setup.database) as connection:
            assert take_snapshots(connection, setup, request).failures == []


def figures(url: str) -> list[tuple[Any, ...]]:
    """Return every snapshot of a database, without the columns that differ by run."""
    return rows(url, _FIGURES)


@contextmanager
def running_deployment(
    folder: Path,
    *,
    settings: Mapping[str, str],
    airflow: Mapping[str, str],
    sample: Mapping[str, int],
    workers: int,
) -> Iterator[Deployment]:
    """Start the stack with a sample; `airflow` are variables that the file does not set."""
    folder.chmod(0o711)  # the embedded server is another user where root runs it
    variables = {**secrets_by_the_documented_command(), **settings}
    with local_stack(read_services(variables), folder, airflow) as stack:
        stack.up({"worker": workers})
        url = f"http://127.0.0.1:{stack.port('api-server', 8080)}"
        token = log_in(url, variables["ADMIN_USER"], variables["ADMIN_PASSWORD"])
        inventory = stack.containers["monitor-1"].environ["DATABASE_URL"]
        create_database(stack.superuser_url, "undisturbed")
        undisturbed = database_url(stack.superuser_url, "undisturbed")
        for database in (inventory, undisturbed):
            _fill(database, sample)
        deployment = Deployment(stack, variables, url, token, inventory, undisturbed)
        deployment.wait_until_read()
        yield deployment


def secrets_by_the_documented_command() -> dict[str, str]:
    """Return the variables of the .env that the command in .env.example creates."""
    example = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
    written = re.search(r"\((umask .*) > \.env\)", example)
    assert written is not None
    lines = subprocess.run(
        ["bash", "-c", written[1]], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def _fill(url: str, sample: Mapping[str, int]) -> None:
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with psycopg.connect(url) as connection:
        queries = Queries(connection, DatabaseSettings.load({}))
        load_sample(
            queries,
            locations=sample["locations"],
            products=sample["products"],
            movements=sample["movements"],
            days=sample["days"],
            until=today,
        )
        migrate(queries)
