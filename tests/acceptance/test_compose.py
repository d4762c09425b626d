"""The stack of docker-compose.yaml, started from the file itself, writes snapshots.

The tests share one stack, in their order: three workers share a run, during which one is stopped;
another is killed during a second run; in the end everything is stopped.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.compose import images
from tests.support.compose.deployment import Deployment, figures, running_deployment
from tests.support.compose.stack import LocalStack, tail

# Three workers of two slots each write six of the eight ranges at the same time.
LOCATIONS, RANGES, PARALLEL = 32, 8, 6
DAY_BEFORE = datetime.now(UTC).date() - timedelta(days=2)
WAIT_SECONDS = 60
SETTINGS = {
    "SCHEDULER_ENABLED": "false",
    "SNAPSHOT_SHARDS": str(RANGES),
    "DATABASE_LOCK_TIMEOUT_SECONDS": "120",
    "WORKER_CONCURRENCY": "2",
}
# Airflow would notice the death of a worker only after five minutes.
AIRFLOW = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "15",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
}
SAMPLE = {"locations": LOCATIONS, "products": 20, "movements": 6_000, "days": 20}


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    with (
        tempfile.TemporaryDirectory(prefix="compose-") as name,
        running_deployment(
            Path(name), settings=SETTINGS, airflow=AIRFLOW, sample=SAMPLE, workers=3
        ) as running,
    ):
        yield running


def test_a_stopped_worker_finishes_its_ranges(deployment: Deployment) -> None:
    with deployment.held_ranges(PARALLEL, of=RANGES):
        run = deployment.trigger()
        under_way = deployment.running_ranges(run, PARALLEL)
        shares = Counter(task["hostname"] for task in under_way)
        assert shares == {"worker-1": 2, "worker-2": 2, "worker-3": 2}
        deployment.wait_for_sessions(PARALLEL)
        stopped = deployment.stack.containers["worker-1"]
        stopped.stop()
        wait_for_text(stopped.log, "warm shutdown")
        assert stopped.status() is None
    assert deployment.wait_for_run(run) == "success"
    assert stopped.process.wait(WAIT_SECONDS) == 0
    tasks = deployment.ranges(run)
    assert [task["try_number"] for task in tasks] == [1] * RANGES
    assert Counter(task["hostname"] for task in tasks)["worker-1"] == 2
    deployment.take_undisturbed(None)
    assert len(figures(deployment.inventory)) == LOCATIONS
    assert figures(deployment.inventory) == figures(deployment.undisturbed)


def test_a_run_survives_a_killed_worker_and_a_restart(deployment: Deployment) -> None:
    with deployment.held_ranges(RANGES, of=RANGES):
        run = deployment.trigger(f"?date={DAY_BEFORE}")
        under_way = deployment.running_ranges(run, 4)
        lost = {task["map_index"] for task in under_way if task["hostname"] == "worker-3"}
        assert len(lost) == 2
        deployment.stack.containers["worker-3"].kill()
        again = deployment.stack.add("init", "init-2")
    assert deployment.wait_for_run(run) == "success"
    tries = {task["map_index"]: task["try_number"] for task in deployment.ranges(run)}
    assert tries == {number: 2 if number in lost else 1 for number in range(RANGES)}
    deployment.take_undisturbed(DAY_BEFORE)
    assert len(figures(deployment.inventory)) == 2 * LOCATIONS
    assert figures(deployment.inventory) == figures(deployment.undisturbed)
    assert again.process.wait(WAIT_SECONDS) == 0
    assert "admin already exists" in again.log.read_text()
    assert "applied" not in again.log.read_text()


def test_no_file_of_the_image_is_written(deployment: Deployment) -> None:
    homes = {
        name: images.files_of(container.home)
        for name, container in deployment.stack.containers.items()
        if container.home.exists()
    }
    assert len(homes) == 10
    assert set.union(*homes.values()) == homes["init-1"] == set.intersection(*homes.values())
    assert "airflow.cfg" in homes["init-1"]
    assert [each for each in homes["init-1"] if "cache" in each] == ["dags/cache_cleanup.py"]


def test_no_secret_is_in_a_log(deployment: Deployment) -> None:
    secrets = {text for text in deployment.variables.values() if len(text) > 30}
    assert len(secrets) == 8
    logs = [path for path in deployment.stack.folder.rglob("log*") if path.is_file()]
    logs += (deployment.stack.folder / "volumes").rglob("*.log")
    assert len(logs) > 10
    for log in logs:
        said = log.read_text(errors="replace")
        assert [secret for secret in secrets if secret in said] == [], log


def test_health_checks_fail_for_stopped_services(deployment: Deployment) -> None:
    stack = deployment.stack
    asked = ["api-server-1", "scheduler-1", "dag-processor-1", "triggerer-1", "worker-2"]
    for name in asked:
        stack.containers[name].stop()
    for name in asked:
        assert stack.containers[name].process.wait(WAIT_SECONDS) is not None
    assert 0 not in statuses(stack, asked).values()
    stack.containers["redis-1"].stop()
    assert stack.containers["redis-1"].process.wait(WAIT_SECONDS) == 0
    stack.stop_postgres()
    last = ["redis-1", "postgres-1", "monitor-1"]
    assert 0 not in statuses(stack, last).values()


def statuses(stack: LocalStack, names: list[str]) -> dict[str, int]:
    """Return the exit status of each container's health check; all run at the same time."""
    containers = {name: stack.containers[name] for name in names}
    probes = {
        name: container.start_probe(stack.health_command(container))
        for name, container in containers.items()
    }
    return {name: probe.wait(WAIT_SECONDS) for name, probe in probes.items()}


def wait_for_text(log: Path, text: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while text not in log.read_text(errors="replace").lower():
        assert time.monotonic() < deadline, tail(log)
        time.sleep(0.1)
