"""The page `http.md` is true: its DAG files load, its table is complete, its commands work."""

from __future__ import annotations

import re
import shlex
import warnings
from pathlib import Path
from typing import Any

import pytest
from tests.support.api_client import Client

from analytics_scheduler.api.endpoints import ENDPOINTS
from analytics_scheduler.api.routing import MOUNT
from analytics_scheduler.orchestration.schedules import DOCUMENTED_TASKS, TASK_TAG

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "include/docs/http.md").read_text()
COMMANDS = [
    shlex.split(line.replace("\\\n", " "))
    for line in re.findall(r"^    (curl (?:.*\\\n)*.*)$", PAGE, re.MULTILINE)
]


def dags_of(folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from airflow.dag_processing.dagbag import DagBag

        bag = DagBag(folder, bundle_name="dags-folder")
    return dict(bag.dags), dict(bag.import_errors)


@pytest.mark.usefixtures("airflow_database")
def test_dag_files_of_the_page_load(tmp_path: Path) -> None:
    for number, text in enumerate(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)):
        (tmp_path / f"own_{number}.py").write_text(text)

    dags, errors = dags_of(tmp_path)

    assert errors == {}
    schedules = {name: dag.schedule.expression for name, dag in dags.items()}
    assert schedules == {
        "business-hour-snapshot": "0 9-17 * * 1-5",
        "end-of-day-report": "30 18 * * 1-5",
    }
    assert all(TASK_TAG in dag.tags for dag in dags.values())


@pytest.mark.usefixtures("airflow_database")
def test_own_dags_have_documented_schedules() -> None:
    dags, errors = dags_of(REPOSITORY / "dags")

    assert errors == {}
    assert {name: dags[name].schedule.expression for name in DOCUMENTED_TASKS} == {
        "daily-snapshot": "0 2 * * *",
        "weekly-snapshot": "0 3 * * 0",
        "monthly-snapshot": "0 4 1 * *",
        "cache-cleanup": "0 * * * *",
    }
    assert {dag.max_active_runs for dag in dags.values()} == {1}


def test_page_names_every_endpoint() -> None:
    for endpoint in ENDPOINTS:
        fixed, _, _ = endpoint.path.partition("{")
        assert f"{MOUNT}{fixed}" in PAGE


@pytest.mark.parametrize("command", COMMANDS, ids=range(len(COMMANDS)))
def test_commands_of_the_page_work(simple_client: Client, command: list[str]) -> None:
    (url,) = [word for word in command if word.startswith("http://localhost:8080")]
    method = command[command.index("-X") + 1] if "-X" in command else "GET"
    body = command[command.index("-d") + 1].encode() if "-d" in command else None
    headers = dict(
        command[place + 1].split(": ", 1) for place, word in enumerate(command) if word == "-H"
    )
    headers["Authorization"] = headers["Authorization"].replace("$TOKEN", simple_client.admin)

    answer = simple_client.airflow.request(
        method, url.removeprefix("http://localhost:8080"), body=body, headers=headers
    )

    assert answer.status == 200 or url.endswith("/health"), answer.body
