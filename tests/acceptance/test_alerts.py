"""A whole Airflow with a webhook: its own processes send the alerts of its runs.

The receiver checks every signature.
"""

from __future__ import annotations

import json
import signal

from tests.support.airflow_api import ask, log_in
from tests.support.command_line import STOP_SECONDS, empty_home, first_line, started
from tests.support.waiting import wait_until
from tests.support.webhook_receiver import WebhookReceiver

from analytics_scheduler.settings import SCHEDULE_DEFAULTS

RUN_SECONDS = 120


def test_airflow_sends_success_and_failure_alerts(receiver: WebhookReceiver) -> None:
    with (
        empty_home() as environ,
        started("up", "--json", environ={**environ, **receiver.environ()}) as up,
    ):
        try:
            report = json.loads(first_line(up))
            # Each DAG runs for its latest due time at once.
            succeeded = {("success", dag) for dag in SCHEDULE_DEFAULTS}
            wait_until(lambda: set(receiver.events) >= succeeded, RUN_SECONDS)
            ask(
                f"{report['url']}/api/v2/dags/daily-snapshot/dagRuns",
                method="POST",
                token=log_in(report["url"], report["user"], report["password"]),
                body={"logical_date": None, "conf": {"date": "2099-01-01"}},
            )
            wait_until(lambda: ("failure", "daily-snapshot") in receiver.events, RUN_SECONDS)
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(timeout=STOP_SECONDS)
    (body,) = [body for body in receiver.accepted if body["event"] == "failure"]
    assert "2099-01-01 is in the future" in body["message"]
    assert body["run"]["report"]["failed_task"] == "write_snapshots"
    ids = [body["id"] for body in receiver.accepted]
    assert (len(ids), receiver.forged) == (len(set(ids)), 0)
