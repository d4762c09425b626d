"""`analytics-scheduler up`: an Airflow to log in to, and nothing left after SIGTERM."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

from tests.support.airflow_api import ask, log_in
from tests.support.command_line import (
    STOP_SECONDS,
    empty_home,
    family_of,
    first_line,
    left_of,
    started,
)

from analytics_scheduler.settings import SCHEDULE_DEFAULTS


def test_up_serves_until_sigterm_and_leaves_nothing() -> None:
    with empty_home() as environ, started("up", "--json", environ=environ) as up:
        try:
            report = json.loads(first_line(up))
            url, token = report["url"], log_in(report["url"], report["user"], report["password"])
            dags = ask(f"{url}/api/v2/dags", token=token)["dags"]
            assert {dag["dag_id"] for dag in dags} == set(SCHEDULE_DEFAULTS)
            assert not any(dag["is_paused"] for dag in dags)
            tasks = ask(f"{url}/api/scheduler/tasks", token=token)["data"]["tasks"]
            assert tasks == [
                "daily-snapshot",
                "weekly-snapshot",
                "monthly-snapshot",
                "cache-cleanup",
            ]
            page = ask(f"{url}/api/scheduler/snapshots?period=daily", token=token)
            assert len(page["data"]["snapshots"]) > 12
            assert Path(report["logs"]).is_dir()
            family = family_of(environ["HOME"])
            for part in ("api_server", "scheduler", "dag-processor", "postgres", "redis-server"):
                assert any(part in process.command for process in family), part
        finally:
            up.send_signal(signal.SIGTERM)
            asked = time.monotonic()
            status = up.wait(timeout=STOP_SECONDS)
        assert status == 0
        assert time.monotonic() - asked < STOP_SECONDS
        assert left_of(family, environ["HOME"]) == []
