"""`analytics-scheduler up`: an Airflow to log in to, which sends alerts, and nothing left after it.

The tests share one Airflow, in their order: SIGTERM ends it in the last one. The receiver of the
alerts checks every signature.
"""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support.airflow_api import ask, log_in
from tests.support.command_line import (
    STOP_SECONDS,
    empty_home,
    family_of,
    first_line,
    left_of,
    started,
)
from tests.support.waiting import wait_until
from tests.support.webhook_receiver import WebhookReceiver, webhook_receiver

from analytics_scheduler.local.processes import free_port
from analytics_scheduler.settings import SCHEDULE_DEFAULTS

RUN_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Up:
    """The running command, what it has printed, and what its Airflow has sent."""

    process: subprocess.Popen[str]
    home: str
    report: Mapping[str, Any]
    receiver: WebhookReceiver

    def ask(self, path: str, **request: Any) -> dict[str, Any]:
        url, user, password = (self.report[name] for name in ("url", "user", "password"))
        return ask(url + path, token=log_in(url, user, password), **request)


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    with (
        webhook_receiver() as receiver,
        empty_home() as environ,
        started(
            # Its default port might be free for another test, too, until one of them listens.
            *("up", "--json", "--port", str(free_port())),
            environ={**environ, **receiver.environ()},
        ) as process,
    ):
        try:
            yield Up(process, environ["HOME"], json.loads(first_line(process)), receiver)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=STOP_SECONDS)


def test_airflow_sends_success_and_failure_alerts(up: Up) -> None:
    receiver = up.receiver
    # Each DAG runs for its latest due time at once.
    succeeded = {("success", dag) for dag in SCHEDULE_DEFAULTS}
    wait_until(lambda: set(receiver.events) >= succeeded, RUN_SECONDS)
    up.ask(
        "/api/v2/dags/daily-snapshot/dagRuns",
        method="POST",
        body={"logical_date": None, "conf": {"date": "2099-01-01"}},
    )
    wait_until(lambda: ("failure", "daily-snapshot") in receiver.events, RUN_SECONDS)
    (body,) = [body for body in receiver.accepted if body["event"] == "failure"]
    assert "2099-01-01 is in the future" in body["message"]
    assert body["run"]["report"]["failed_task"] == "write_snapshots"
    ids = [body["id"] for body in receiver.accepted]
    assert (len(ids), receiver.forged) == (len(set(ids)), 0)


def test_up_serves_until_sigterm_and_leaves_nothing(up: Up) -> None:
    dags = up.ask("/api/v2/dags")["dags"]
    assert {dag["dag_id"] for dag in dags} == set(SCHEDULE_DEFAULTS)
    assert not any(dag["is_paused"] for dag in dags)
    tasks = up.ask("/api/scheduler/tasks")["data"]["tasks"]
    assert tasks == ["daily-snapshot", "weekly-snapshot", "monthly-snapshot", "cache-cleanup"]
    page = up.ask("/api/scheduler/snapshots?period=daily")
    assert len(page["data"]["snapshots"]) > 12
    assert Path(up.report["logs"]).is_dir()
    family = family_of(up.home)
    for part in ("api_server", "scheduler", "dag-processor", "postgres", "redis-server"):
        assert any(part in process.command for process in family), part

    up.process.send_signal(signal.SIGTERM)
    asked = time.monotonic()
    status = up.process.wait(timeout=STOP_SECONDS)

    assert status == 0
    assert time.monotonic() - asked < STOP_SECONDS
    assert left_of(family, up.home) == []
