"""The servers of a session, a fresh database for each test, and what fills it.

Every worker of a session has one Airflow home, one PostgreSQL and one Redis.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from tests.support.database import scratch_database
from tests.support.inventory import Analyst, Inventory
from tests.support.redis_servers import RedisServer, redis_server
from tests.support.settings import declared_settings
from tests.support.snapshots import StoredSnapshots
from tests.support.temporary_files import keep_temporary_files_in_memory
from tests.support.webhook_receiver import WebhookReceiver, webhook_receiver
from tests.support.workers import WholeFiles, numbered_database, worker_count, worker_number

from analytics_scheduler.local.sample import create_source_keys, create_source_tables
from analytics_scheduler.local.servers import (
    embedded_postgres,
    embedded_redis,
)
from analytics_scheduler.migrations import migrate
from analytics_scheduler.queries import Queries
from analytics_scheduler.settings import DatabaseSettings

REPOSITORY = Path(__file__).parent.parent


def _taken_environment() -> dict[str, str]:
    """Remove our settings and those of Airflow, so that a developer's shell changes no result."""
    ours = {setting.variable for setting in declared_settings()}
    return {
        name: os.environ.pop(name)
        for name in list(os.environ)
        if name in ours or name.startswith(("AIRFLOW_", "SCHEDULE_"))
    }


def _airflow_environment(home: Path) -> Mapping[str, str]:
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__SECRET_KEY": "only-for-tests-and-long-enough-to-sign-with-it-safely-0001",
        "AIRFLOW__API_AUTH__JWT_SECRET": "only-for-tests-and-long-enough-to-sign-with-it-0002" * 2,
        "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }


# Airflow reads its configuration when it is first imported, which some test modules do at once.
_GIVEN = _taken_environment()
keep_temporary_files_in_memory()
_HOME = Path(tempfile.mkdtemp(prefix="analytics-airflow-"))
os.environ.update(_airflow_environment(_HOME))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker which servers this session was given; they are no longer in its environment."""
    node.workerinput["given"] = _GIVEN


def pytest_configure(config: pytest.Config) -> None:
    """Take the servers that the session was given."""
    _GIVEN.update(getattr(config, "workerinput", {}).get("given", {}))


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return how many workers to start."""
    return worker_count(config)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> WholeFiles:
    """Return what shares the tests out."""
    return WholeFiles(config, log)


def pytest_unconfigure() -> None:
    """Remove Airflow's home."""
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Give the URL of a server for scratch databases: DATABASE_URL if it is set, or embedded."""
    given = _GIVEN.get("DATABASE_URL")
    if given:
        yield given
        return
    with embedded_postgres() as base_url:
        yield base_url


@pytest.fixture(scope="session")
def template_database(postgres_server: str) -> Iterator[str]:
    """Give the name of a database with empty source tables and empty tables of the package."""
    with scratch_database(postgres_server) as url:
        with psycopg.connect(url) as connection:
            queries = Queries(connection, DatabaseSettings.load({}))
            create_source_tables(queries)
            create_source_keys(queries)
            connection.commit()
            migrate(queries)
            name = connection.info.dbname
        yield name


@pytest.fixture
def database_url(postgres_server: str, template_database: str) -> Iterator[str]:
    """Give the URL of a database that only this test uses, a copy of the template."""
    with scratch_database(postgres_server, template=template_database) as url:
        yield url


@pytest.fixture
def database_settings(database_url: str) -> DatabaseSettings:
    return DatabaseSettings.load({"DATABASE_URL": database_url})


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection[Any]]:
    with psycopg.connect(database_url) as connection:
        yield connection


@pytest.fixture
def inventory(connection: Connection[Any]) -> Inventory:
    """Give the source tables of the test's database, to be filled."""
    return Inventory(connection)


@pytest.fixture
def analyst(connection: Connection[Any], database_settings: DatabaseSettings) -> Analyst:
    """Give somebody who takes snapshots in the test's database and reads them."""
    return Analyst(connection, database_settings)


@pytest.fixture
def stored(connection: Connection[Any]) -> StoredSnapshots:
    """Give the package's tables of the test's database, to be filled row by row."""
    return StoredSnapshots(connection)


@pytest.fixture(scope="session")
def redis_server_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """Give the URL of a Redis database: REDIS_URL if it is set, or embedded.

    Further workers use the databases after the one that REDIS_URL names.
    """
    given = _GIVEN.get("REDIS_URL")
    if given:
        own = numbered_database(given, worker_number(pytestconfig))
        _require_empty(own)
        yield own
        return
    with embedded_redis() as url:
        yield url


def _require_empty(url: str) -> None:
    """Stop before a test empties a database that somebody uses."""
    import redis

    with redis.Redis.from_url(url) as client:
        if client.dbsize():
            pytest.exit(
                "REDIS_URL names a database that is not empty, and the tests would empty it."
            )


@pytest.fixture
def redis_url(redis_server_url: str) -> str:
    """Give the URL of a Redis database that is empty when the test begins."""
    import redis

    with redis.Redis.from_url(redis_server_url) as client:
        client.flushdb()
    return redis_server_url


@pytest.fixture(scope="module")
def own_redis() -> Iterator[RedisServer]:
    """Give a Redis server that only the tests of one module use, and may configure."""
    with redis_server() as server:
        yield server


@pytest.fixture(scope="session")
def airflow_database() -> None:
    """Create Airflow's own database in its temporary home."""
    with warnings.catch_warnings():
        # Airflow's own imports and migrations warn about code that is Airflow's to change.
        warnings.simplefilter("ignore")
        from airflow.utils.db import initdb

        initdb()


@pytest.fixture
def named_servers(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the servers of the test, as a deployment does."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    """Give a receiver of alerts."""
    with webhook_receiver() as received:
        yield received


@pytest.fixture
def environment(
    named_servers: None, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Name the servers of the test, and where alerts go."""
    for name, value in receiver.environ().items():
        monkeypatch.setenv(name, value)
