"""The OpenAPI document is true: complete, with real examples, and it survives fuzzing."""

from __future__ import annotations

import collections
import uuid
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok
from tests.support.api_client import Client
from tests.support.database import Database

from analytics_scheduler.api.endpoints import ENDPOINTS
from analytics_scheduler.api.openapi import document
from analytics_scheduler.orchestration.schedules import DOCUMENTED_TASKS
from analytics_scheduler.vocabulary import PeriodType

SHOP = uuid.uuid4()
UNDOCUMENTED = {"/openapi.json", "/docs"}


def test_document_has_every_endpoint() -> None:
    documented = {
        (method.upper(), path)
        for path, operations in document(ENDPOINTS)["paths"].items()
        for method in operations
    }

    assert documented == {
        (endpoint.method, endpoint.path)
        for endpoint in ENDPOINTS
        if endpoint.path not in UNDOCUMENTED
    }


def test_document_period_types() -> None:
    paths = document(ENDPOINTS)["paths"]
    in_path, _ = paths["/trigger/{type}"]["post"]["parameters"]
    in_query = paths["/snapshots"]["get"]["parameters"][0]

    assert in_path["schema"]["enum"] == in_query["schema"]["enum"] == PeriodType.words()
    assert (in_path["in"], in_path["required"]) == ("path", True)
    assert (in_query["in"], in_query["required"]) == ("query", False)


def example_of(method: str, path: str, status: int = 200) -> Any:
    """Return the example of an answer as the document has it."""
    answer = document(ENDPOINTS)["paths"][path][method]["responses"][str(status)]
    return answer["content"]["application/json"]["example"]


def shape(value: Any) -> Any:
    """Return the names in an answer, without the values; of a list, its first entry's."""
    if isinstance(value, dict):
        return {name: shape(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return None


def test_examples_have_the_shape_of_answers(simple_client: Client, shops: Database) -> None:
    shops.execute("INSERT INTO locations (id, name, is_active) VALUES (%s, 'Shop', true)", SHOP)
    shops.execute(
        "INSERT INTO analytics_snapshots (location_id, period_type, period_start, period_end)"
        " VALUES (%s, 'daily', '2026-11-20', '2026-11-20')",
        SHOP,
    )
    tasks = simple_client.get("/tasks").json()
    triggered = simple_client.post("/trigger/daily").json()
    simple_client.metadata("UPDATE dag_run SET state = 'success', end_date = queued_at")
    changed = simple_client.patch(
        "/tasks/daily-snapshot", b'{"schedule": "30 2 * * *", "paused": false}'
    ).json()
    simple_client.metadata("DELETE FROM variable")
    status = simple_client.get("/status").json()["data"]
    snapshots = simple_client.get("/snapshots").json()

    assert (
        tasks["data"]["tasks"][: len(DOCUMENTED_TASKS)]
        == example_of("get", "/tasks")["data"]["tasks"]
    )
    assert triggered == example_of("post", "/trigger/{type}")
    assert shape(changed) == shape(example_of("patch", "/tasks/{name}"))
    assert shape(snapshots) == shape(example_of("get", "/snapshots"))
    status_example = example_of("get", "/status")["data"]
    answered, example = shape(status["tasks"][0]), shape(status_example["tasks"][0])
    assert set(answered) == set(example)
    assert answered["last_run"] == example["last_run"]
    assert answered["schedule"] == example["schedule"]
    assert shape(status["coverage"]["daily"]) == shape(status_example["coverage"]["daily"])
    assert set(status["coverage"]) == set(status_example["coverage"])


def test_health_examples_have_the_shape_of_answers(simple_client: Client) -> None:
    health = simple_client.get("/health")
    example = example_of("get", "/health", health.status)

    assert set(health.json()) == set(example)
    assert set(health.json()["data"]) == set(example["data"])
    tasks, example_tasks = health.json()["data"]["tasks"], example["data"]["tasks"]
    assert shape(tasks["daily-snapshot"]) == shape(example_tasks["daily-snapshot"])


def test_page_shows_every_endpoint(simple_client: Client) -> None:
    answer = simple_client.get("/docs")

    assert answer.status == 200
    for path in document(ENDPOINTS)["paths"]:
        assert path in answer.body.decode()
    assert b"<script" not in answer.body
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_fuzzing_the_document_finds_no_error(either_surface: Client) -> None:
    served = either_surface.get("/openapi.json").json()
    schema = schemathesis.openapi.from_dict(served)
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) == len(ENDPOINTS) - len(UNDOCUMENTED)

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
