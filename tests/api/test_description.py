"""The description is true: it names every endpoint, its examples are real, and fuzzing it holds."""

from __future__ import annotations

import collections
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok
from tests.api.conftest import Client

from analytics_scheduler.api import examples
from analytics_scheduler.api.description import describe
from analytics_scheduler.api.routes import ROUTES

UNDESCRIBED = {"/openapi.json", "/docs"}


def test_every_endpoint_is_described_and_nothing_else() -> None:
    described = {
        (method.upper(), path)
        for path, methods in describe()["paths"].items()
        for method in methods
    }

    assert described == {
        (route.method, route.template) for route in ROUTES if route.path not in UNDESCRIBED
    }


def shape(value: Any) -> Any:
    """Return the names in an answer, without the values; of a list, its first entry's."""
    if isinstance(value, dict):
        return {name: shape(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return None


def test_the_examples_have_the_shape_of_the_answers(simple_client: Client) -> None:
    tasks = simple_client.get("/tasks").json()
    triggered = simple_client.post("/trigger/daily").json()
    simple_client.metadata("UPDATE dag_run SET state = 'success', end_date = queued_at")
    changed = simple_client.patch(
        "/tasks/daily-snapshot", b'{"schedule": "30 2 * * *", "paused": false}'
    ).json()
    simple_client.metadata("DELETE FROM variable")
    status = simple_client.get("/status").json()

    assert tasks["data"]["tasks"][:4] == examples.TASKS["data"]["tasks"]
    assert triggered == examples.TRIGGERED
    assert shape(changed) == shape(examples.CHANGED)
    answered, example = shape(status["data"]["tasks"][0]), shape(examples.STATUS["data"]["tasks"])
    assert set(answered) == set(example[0])
    assert answered["last_run"] == example[0]["last_run"]
    assert answered["schedule"] == example[0]["schedule"]


def test_the_page_shows_every_endpoint_and_loads_nothing(simple_client: Client) -> None:
    answer = simple_client.get("/docs")

    assert answer.status == 200
    for path in describe()["paths"]:
        assert path in answer.body.decode()
    assert b"<script" not in answer.body
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_no_input_that_the_description_allows_or_forbids_causes_an_error(
    either_surface: Client,
) -> None:
    description = either_surface.get("/openapi.json").json()
    schema = schemathesis.openapi.from_dict(description)
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) == 6

    statuses: collections.Counter[int] = collections.Counter()

    def check(case: Any) -> None:
        response = case.call(
            base_url=either_surface.airflow.url + either_surface.mount,
            headers={"Authorization": f"Bearer {either_surface.admin}"},
        )
        statuses[response.status_code] += 1
        assert response.status_code < 500 or response.json()["error"].startswith("Unhealthy")
        if response.status_code >= 400:
            assert {"success", "error"} <= set(response.json()) <= {"success", "error", "data"}

    for operation in operations:
        for mode in schemathesis.GenerationMode:
            strategy = operation.as_strategy(generation_mode=mode)
            _exercise(strategy, check)
    assert statuses[200] > 0
    assert statuses[400] > 0


def _exercise(strategy: Any, check: Any) -> None:
    @settings(
        max_examples=20,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def run(case: Any) -> None:
        check(case)

    run()
