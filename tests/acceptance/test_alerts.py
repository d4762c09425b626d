"""A whole Airflow with a webhook: its own processes tell of the runs, the command line of the rest.

The receiver checks every signature.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator

import httpx
import pytest
from tests.acceptance.test_up import OUR_DAGS, STOP_SECONDS, first_line, token_of
from tests.support.command_line import empty_home, started
from tests.support.webhook_receiver import Received, wait_until, webhook_receiver

RUN_SECONDS = 120


@pytest.fixture
def receiver() -> Iterator[Received]:
    with webhook_receiver() as received:
        yield received


def test_airflow_tells_of_runs_that_succeed_and_of_one_that_fails(receiver: Received) -> None:
    with (
        empty_home() as environ,
        started("up", "--json", environ={**environ, **receiver.environ()}) as up,
    ):
        try:
            report = json.loads(first_line(up))
            # Each DAG makes up for its latest missed run at once.
            succeeded = {("success", dag) for dag in OUR_DAGS}
            wait_until(lambda: set(receiver.events) >= succeeded, RUN_SECONDS)
            trigger(report["url"], token_of(report), "daily-snapshot", {"date": "2099-01-01"})
            wait_until(lambda: ("failure", "daily-snapshot") in receiver.events, RUN_SECONDS)
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(timeout=STOP_SECONDS)
    (body,) = [body for body in receiver.accepted if body["event"] == "failure"]
    assert "2099-01-01 is in the future" in body["message"]
    assert body["run"]["report"]["failed_task"] == "plan_shards"
    ids = [body["id"] for body in receiver.accepted]
    assert (len(ids), receiver.forged) == (len(set(ids)), 0)


def trigger(url: str, token: str, dag: str, conf: dict[str, str]) -> None:
    httpx.post(
        f"{url}/api/v2/dags/{dag}/dagRuns",
        json={"logical_date": None, "conf": conf},
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    ).raise_for_status()
