"""Changing a task at run time: its schedule and its pause, and who is allowed to."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from tests.support.airflow_server import AirflowServer
from tests.support.api_client import Client

PATH = "/tasks/daily-snapshot"


def parse_dags_again(airflow: AirflowServer) -> None:
    """Parse the DAG files and store the result, as the DAG processor does within a minute."""
    code = "from tests.support.prepare_airflow import write_dags_to_database as w; w()"
    environ = {
        **airflow.environ,
        "_AIRFLOW_PROCESS_CONTEXT": "server",
        "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": "0",
    }
    subprocess.run([sys.executable, "-c", code], env=environ, check=True, timeout=60)


def schedule_in(client: Client, name: str = "daily-snapshot") -> dict[str, object]:
    tasks = client.get("/status").json()["data"]["tasks"]
    ((schedule),) = [task["schedule"] for task in tasks if task["name"] == name]
    assert isinstance(schedule, dict)
    return schedule


def test_change_schedule_and_revert(
    simple_client: Client,
) -> None:
    assert schedule_in(simple_client)["cron"] == "0 2 * * *"

    answer = simple_client.patch(PATH, b'{"schedule": "0 30 5 * * 1-5"}')

    assert answer.status == 200
    assert answer.json()["data"]["schedule"] == "30 5 * * 1-5"
    pending = schedule_in(simple_client)
    assert pending["cron"] == "0 2 * * *"
    assert isinstance(pending["changed"], dict)
    assert (pending["changed"]["by"], pending["changed"]["in_force"]) == ("admin", False)
    assert simple_client.metadata("SELECT relative_fileloc FROM dag_priority_parsing_request") == [
        ("daily_snapshot.py",)
    ]
    parse_dags_again(simple_client.airflow)
    changed = schedule_in(simple_client)
    assert changed["cron"] == "30 5 * * 1-5"
    assert changed["words"] == "At 05:30, Monday through Friday"
    assert isinstance(changed["changed"], dict)
    assert changed["changed"]["in_force"] is True

    reverted = simple_client.patch(PATH, b'{"schedule": null}')

    assert reverted.json()["data"]["previous_schedule"] == "30 5 * * 1-5"
    parse_dags_again(simple_client.airflow)
    assert schedule_in(simple_client) == {
        "cron": "0 2 * * *",
        "words": "At 02:00",
        "timezone": "UTC",
        "changed": None,
    }


def test_change_is_audited_with_both_values(simple_client: Client) -> None:
    simple_client.patch(PATH, b'{"schedule": "0 5 * * *"}')
    simple_client.patch(PATH, b'{"schedule": "0 6 * * *", "paused": true}')
    simple_client.patch(PATH, b'{"schedule": "soon"}')
    simple_client.patch(PATH, b'{"paused": true}', token=simple_client.viewer)

    rows = simple_client.metadata("SELECT owner, dag_id, extra FROM log ORDER BY id")

    extras = [json.loads(extra) for _, _, extra in rows]
    assert [owner for owner, _, _ in rows] == ["admin", "admin", "admin", "viewer"]
    assert [dag_id for _, dag_id, _ in rows] == ["daily-snapshot", "daily-snapshot", None, None]
    assert extras[1]["previous_schedule"] == "0 5 * * *"
    assert extras[1]["schedule"] == "0 6 * * *"
    assert (extras[1]["previous_paused"], extras[1]["paused"]) == (False, True)
    assert [extra["outcome"] for extra in extras] == ["allowed", "allowed", "refused", "refused"]
    assert extras[2]["body"] == '{"schedule": "soon"}'
    assert [extra.get("status") for extra in extras] == [None, None, 400, 403]


def test_pause_and_unpause(either_surface: Client) -> None:
    assert either_surface.patch(PATH, b'{"paused": true}').status == 200
    assert "daily-snapshot" not in either_surface.get("/tasks").json()["data"]["tasks"]

    assert either_surface.patch(PATH, b'{"paused": false}').status == 200
    assert "daily-snapshot" in either_surface.get("/tasks").json()["data"]["tasks"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "not valid JSON"),
        (b"\xff\xfe", "not valid JSON"),
        (b"[1]", "not a JSON object"),
        (b"{}", "names no change"),
        (b'{"pause": true}', "unknown key 'pause'"),
        (b'{"paused": "yes"}', 'paused must be true or false, got "yes"'),
        (b'{"paused": null}', "paused must be true or false, got null"),
        (b'{"schedule": 5}', "schedule must be a cron string or null, got 5"),
        (b'{"schedule": [[]]}', "schedule must be a cron string or null, got an array"),
        (b'{"schedule": ""}', "it has 0 fields"),
        (b'{"schedule": "61 * * * *"}', "schedule must be a cron string of five fields"),
        (b'{"schedule": "30 0 2 * * *"}', "seconds field is '30'"),
        (b'{"schedule": "0 0 30 2 *"}', "schedule must be a cron string of five fields"),
        (b'{"schedule": "\\u0000 * * * *"}', "schedule must be a cron string of five fields"),
        (b'{"schedule": "\\ud800 * * * *"}', "schedule must be a cron string of five fields"),
        (b'{"schedule": "' + b"* " * 200 + b'"}', "longer than 100"),
        (b"[" * 15_000, "not valid JSON"),
        (b'{"paused": ' + b"1" * 9_000 + b"}", "not valid JSON"),
    ],
    ids=range(18),
)
def test_change_refuses_a_bad_body(either_surface: Client, body: bytes, message: str) -> None:
    answer = either_surface.patch(PATH, body)

    assert answer.status == 400
    assert set(answer.json()) == {"success", "error"}
    assert message in answer.json()["error"]
    assert either_surface.metadata("SELECT count(*) FROM variable") == [(0,)]


@pytest.mark.parametrize("name", ["nothing", "", "daily-snapshot/", "a/b", "%FF", "x" * 3000])
def test_change_unknown_task(either_surface: Client, name: str) -> None:
    answer = either_surface.patch(f"/tasks/{name}", b'{"paused": true}')

    assert answer.status == 404
    assert set(answer.json()) == {"success", "error"}
