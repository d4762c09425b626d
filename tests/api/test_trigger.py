"""Triggers that arrive at the same time, and endpoints without the metadata database."""

from __future__ import annotations

import collections
import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.support.airflow_server import AirflowServer, prepare, running_airflow, write_dags
from tests.support.api_client import SURFACES, Client
from tests.support.database import execute, rows, scratch_database, value


@pytest.fixture(scope="module")
def metadata_url(postgres_server: str) -> Iterator[str]:
    """Give the URL of an empty database for Airflow's metadata."""
    with scratch_database(postgres_server) as url:
        yield url


@pytest.fixture(scope="module")
def postgres_airflow(
    tmp_path_factory: pytest.TempPathFactory, metadata_url: str
) -> Iterator[AirflowServer]:
    """Give an API server of two processes whose metadata are in PostgreSQL."""
    home = tmp_path_factory.mktemp("on-postgres")
    dags = write_dags(home / "dags")
    metadata = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": metadata_url}
    prepare(home, dags, **metadata)
    with running_airflow(home, dags, metadata, workers=2) as airflow:
        yield airflow


def flood(client: Client, count: int = 50) -> collections.Counter[int]:
    """Send many triggers at once, and return how many answers have each status."""
    with ThreadPoolExecutor(count) as pool:
        answers = list(pool.map(lambda _: client.post("/trigger/daily"), range(count)))
    assert all(set(answer.json()) <= {"success", "message", "error"} for answer in answers)
    return collections.Counter(answer.status for answer in answers)


def test_trigger_fifty_at_once(simple_client: Client) -> None:
    assert flood(simple_client) == {200: 1, 409: 49}
    simple_client.metadata("UPDATE dag_run SET state = 'running'")
    assert flood(simple_client) == {200: 1, 409: 49}

    states = simple_client.metadata("SELECT state FROM dag_run ORDER BY state")
    assert states == [("queued",), ("running",)]


def test_trigger_fifty_at_once_in_postgresql(
    postgres_airflow: AirflowServer, metadata_url: str
) -> None:
    token = postgres_airflow.token_of("admin")
    client = Client(postgres_airflow, SURFACES["fastapi"], token, token)

    assert flood(client) == {200: 1, 409: 49}
    execute(metadata_url, "UPDATE dag_run SET state = 'running'")
    assert flood(client) == {200: 1, 409: 49}

    states = rows(metadata_url, "SELECT state FROM dag_run ORDER BY state")
    assert states == [("queued",), ("running",)]
    recorded = "SELECT count(*) FROM log WHERE event = 'scheduler.trigger' AND run_id IS NOT NULL"
    assert value(metadata_url, recorded) == 2


def test_endpoints_without_metadata_database(
    postgres_airflow: AirflowServer, postgres_server: str, metadata_url: str
) -> None:
    token = postgres_airflow.token_of("admin")
    client = Client(postgres_airflow, SURFACES["fastapi"], token, token)
    name = value(metadata_url, "SELECT current_database()")
    with closed_database(postgres_server, name):
        answers = [client.get("/tasks"), client.post("/trigger/daily"), client.get("/health")]

    assert [answer.status for answer in answers] == [503, 503, 503]
    for answer in answers:
        assert set(answer.json()) == {"success", "error"}
        assert "cannot be reached" in answer.json()["error"]
        assert b"psycopg" not in answer.body
    assert client.get("/tasks").status == 200


@contextlib.contextmanager
def closed_database(server_url: str, name: str) -> Iterator[None]:
    """Refuse connections to a database and end those that it has, until the block ends."""
    execute(
        server_url,
        f"ALTER DATABASE {name} ALLOW_CONNECTIONS false",
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
    )
    yield
    execute(server_url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
