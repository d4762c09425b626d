"""Running API servers, each with a small set of DAGs, and a database of snapshots to read."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.support.airflow_server import (
    AUTH_MANAGERS,
    AirflowServer,
    Response,
    prepare,
    running_airflow,
)
from tests.support.airflow_server import write_dags as write_small_dags

from analytics_scheduler.local.servers import scratch_database

_CHANGING = ("task_instance", "dag_run", "log", "variable", "dag_priority_parsing_request")
SURFACES = {"fastapi": "/api/scheduler", "blueprint": "/pluginsv2/api/scheduler"}


@pytest.fixture(scope="session")
def shops_url(postgres_server: str, template_database: str) -> Iterator[str]:
    """Give the URL of a database that every server of this session reads."""
    with scratch_database(postgres_server, template=template_database) as url:
        yield url


@pytest.fixture
def shops(shops_url: str) -> Iterator[psycopg.Connection[Any]]:
    """Give a connection to the shops' database, which is emptied before."""
    with psycopg.connect(shops_url, autocommit=True) as connection:
        connection.execute("TRUNCATE analytics_snapshots, locations CASCADE")
        yield connection


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Give the metadata of an Airflow with small DAGs and the users of FAB, to be copied."""
    home = tmp_path_factory.mktemp("prepared")
    dags = write_small_dags(home / "dags")
    prepare(home, dags, AIRFLOW__CORE__AUTH_MANAGER=AUTH_MANAGERS["fab"])
    return Prepared(home / "airflow.db", dags)


@pytest.fixture(scope="session")
def simple_airflow(
    tmp_path_factory: pytest.TempPathFactory,
    prepared: Prepared,
    shops_url: str,
    redis_server_url: str,
) -> Iterator[AirflowServer]:
    """Give an API server with the simple auth manager."""
    home = tmp_path_factory.mktemp("simple")
    yield from _airflow(
        home, "simple", prepared, DATABASE_URL=shops_url, REDIS_URL=redis_server_url
    )


@pytest.fixture(scope="session")
def fab_airflow(
    tmp_path_factory: pytest.TempPathFactory,
    prepared: Prepared,
    shops_url: str,
    redis_server_url: str,
) -> Iterator[AirflowServer]:
    """Give an API server with FAB."""
    home = tmp_path_factory.mktemp("fab")
    yield from _airflow(home, "fab", prepared, DATABASE_URL=shops_url, REDIS_URL=redis_server_url)


def _airflow(
    home: Path, auth_manager: str, prepared: Prepared, **urls: str
) -> Iterator[AirflowServer]:
    shutil.copy(prepared.metadata_file, home / "airflow.db")
    environ = {"AIRFLOW__CORE__AUTH_MANAGER": AUTH_MANAGERS[auth_manager], **urls}
    with running_airflow(home, prepared.dags, environ) as airflow:
        yield airflow


@dataclass(frozen=True, slots=True)
class Prepared:
    """The metadata of an Airflow that is ready to start, and its DAG folder."""

    metadata_file: Path
    dags: Path


@dataclass(frozen=True, slots=True)
class Client:
    """A surface of a running Airflow, and the tokens of its users."""

    airflow: AirflowServer
    mount: str
    admin: str
    viewer: str

    def get(self, path: str, **options: Any) -> Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Response:
        return self.request("POST", path, **options)

    def patch(self, path: str, body: bytes, **options: Any) -> Response:
        return self.request("PATCH", path, body=body, **options)

    def request(self, method: str, path: str, **options: Any) -> Response:
        options.setdefault("token", self.admin)
        return self.airflow.request(method, self.mount + path, **options)

    def metadata(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement in Airflow's own database."""
        return self.airflow.metadata(query, *values)


@pytest.fixture(scope="session")
def tokens(request: pytest.FixtureRequest) -> dict[str, dict[str, str]]:
    return {}


@pytest.fixture(params=["simple", "fab"])
def auth_manager(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=list(SURFACES))
def surface(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def client(
    request: pytest.FixtureRequest,
    auth_manager: str,
    surface: str,
    tokens: dict[str, dict[str, str]],
) -> Client:
    """Give each surface of each Airflow in turn, as if nobody had used it yet."""
    return _client(request, auth_manager, surface, tokens)


@pytest.fixture
def either_surface(
    request: pytest.FixtureRequest, surface: str, tokens: dict[str, dict[str, str]]
) -> Client:
    """Give each surface of one Airflow, for what has nothing to do with who asks."""
    return _client(request, "simple", surface, tokens)


@pytest.fixture
def simple_client(request: pytest.FixtureRequest, tokens: dict[str, dict[str, str]]) -> Client:
    """Give one surface of one Airflow, for what does not depend on either."""
    return _client(request, "simple", "fastapi", tokens)


def _client(
    request: pytest.FixtureRequest,
    auth_manager: str,
    surface: str,
    tokens: dict[str, dict[str, str]],
) -> Client:
    airflow: AirflowServer = request.getfixturevalue(f"{auth_manager}_airflow")
    known = tokens.setdefault(
        auth_manager, {user: airflow.token_of(user) for user in ("admin", "viewer")}
    )
    client = Client(airflow, SURFACES[surface], known["admin"], known["viewer"])
    _forget_everything(airflow)
    return client


def _forget_everything(airflow: AirflowServer) -> None:
    with closing(sqlite3.connect(airflow.metadata_file, timeout=30)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        for table in _CHANGING:
            connection.execute(f"DELETE FROM {table}")
        connection.execute("UPDATE dag SET is_paused = 0, is_stale = 0, has_import_errors = 0")
        connection.commit()
