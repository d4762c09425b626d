"""Running API servers, each with a small set of DAGs, and a database of snapshots to read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from tests.support.airflow_server import (
    AUTH_MANAGERS,
    AirflowServer,
    prepare,
    running_airflow,
    write_dags,
)
from tests.support.api_client import SURFACES, Client
from tests.support.database import Database, scratch_database


@dataclass(frozen=True, slots=True)
class Prepared:
    """The metadata of an Airflow that is ready to start, and its DAG folder."""

    metadata_file: Path
    dags: Path


@pytest.fixture(scope="session")
def shops_url(postgres_server: str, template_database: str) -> Iterator[str]:
    """Give the URL of a database that every server of this session reads."""
    with scratch_database(postgres_server, template=template_database) as url:
        yield url


@pytest.fixture
def shops(shops_url: str) -> Iterator[Database]:
    """Give that database, without locations and snapshots."""
    with psycopg.connect(shops_url) as connection:
        shops = Database(connection)
        shops.execute("TRUNCATE analytics_snapshots, locations CASCADE")
        yield shops


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Give the metadata of an Airflow with small DAGs and the users of FAB, to be copied."""
    home = tmp_path_factory.mktemp("prepared")
    dags = write_dags(home / "dags")
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


@pytest.fixture(scope="session")
def tokens(request: pytest.FixtureRequest) -> dict[str, dict[str, str]]:
    """Give a place for the tokens of a session, by auth manager and user."""
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
    """Give each surface of one Airflow, for tests that do not depend on the auth manager."""
    return _client(request, "simple", surface, tokens)


@pytest.fixture
def simple_client(request: pytest.FixtureRequest, tokens: dict[str, dict[str, str]]) -> Client:
    """Give one surface of one Airflow, for tests that depend on neither."""
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
    client.forget_everything()
    return client
