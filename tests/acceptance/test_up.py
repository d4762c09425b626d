"""`analytics-scheduler up`: an Airflow to log in to, and nothing left after a SIGTERM."""

from __future__ import annotations

import json
import select
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tests.support.command_line import empty_home, family_of, left_of, started

START_SECONDS = 90
STOP_SECONDS = 30
OUR_DAGS = {
    "cache-cleanup",
    "daily-snapshot",
    "monthly-snapshot",
    "snapshot-retention",
    "weekly-snapshot",
}


def test_airflow_answers_until_sigterm_and_nothing_is_left() -> None:
    with empty_home() as environ, started("up", "--json", environ=environ) as up:
        try:
            report = json.loads(first_line(up))
            token = token_of(report)
            dags = get(f"{report['url']}/api/v2/dags", token)["dags"]
            assert {dag["dag_id"] for dag in dags} == OUR_DAGS
            assert not any(dag["is_paused"] for dag in dags)
            tasks = get(f"{report['url']}/api/scheduler/tasks", token)["data"]["tasks"]
            assert tasks == [
                "daily-snapshot",
                "weekly-snapshot",
                "monthly-snapshot",
                "cache-cleanup",
            ]
            page = get(f"{report['url']}/api/scheduler/snapshots?period=daily", token)
            assert len(page["data"]["snapshots"]) > 12
            assert Path(report["logs"]).is_dir()
            family = family_of(environ["HOME"])
            for part in ("api_server", "scheduler", "dag-processor", "postgres", "redis-server"):
                assert any(part in process.words for process in family), part
        finally:
            up.send_signal(signal.SIGTERM)
            asked = time.monotonic()
            status = up.wait(timeout=STOP_SECONDS)
        assert status == 0
        assert time.monotonic() - asked < STOP_SECONDS
        assert left_of(family, environ["HOME"]) == []


def first_line(up: subprocess.Popen[str]) -> str:
    """Return the line that tells that all of it is healthy, or fail with what was said instead."""
    assert up.stdout is not None
    assert up.stderr is not None
    ready, _, _ = select.select([up.stdout], [], [], START_SECONDS)
    line = up.stdout.readline() if ready else ""
    if not line:
        up.terminate()
        pytest.fail(f"up did not start: {up.stderr.read()}")
    return line


def token_of(report: dict[str, Any]) -> str:
    login = json.dumps({"username": report["user"], "password": report["password"]}).encode()
    request = urllib.request.Request(
        f"{report['url']}/auth/token", data=login, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(json.loads(answer.read())["access_token"])


def get(url: str, token: str) -> dict[str, Any]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        document: dict[str, Any] = json.loads(answer.read())
        return document
