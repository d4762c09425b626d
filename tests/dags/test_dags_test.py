"""Every DAG runs as `airflow dags test` runs it: a process of its own, on sample data."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from tests.support.airflow_commands import airflow_commands
from tests.support.database import rows, scratch_database

from analytics_scheduler.local.sample import load_sample
from analytics_scheduler.queries import Queries
from analytics_scheduler.settings import DatabaseSettings

DAGS = Path(__file__).parents[2] / "dags"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Ask Airflow for the DAGs: a new file is tested without being named here."""
    if "dag_id" not in metafunc.fixturenames:
        return
    from airflow.dag_processing.dagbag import DagBag

    with warnings.catch_warnings():
        # Airflow's own, when it reads an .airflowignore.
        warnings.simplefilter("ignore", DeprecationWarning)
        bag = DagBag(str(DAGS))
    assert bag.import_errors == {}
    metafunc.parametrize("dag_id", sorted(bag.dags))


@pytest.fixture(scope="module")
def inventory_url(postgres_server: str, template_database: str) -> Iterator[str]:
    """Give the URL of a database with three shops and a hundred days of movements."""
    with scratch_database(postgres_server, template=template_database) as url:
        with psycopg.connect(url) as connection:
            load_sample(
                Queries(connection, DatabaseSettings.load({})),
                locations=3,
                products=8,
                movements=2_000,
                until=datetime.now(UTC),
                days=100,
            )
        yield url


@pytest.fixture(scope="module")
def airflow(
    tmp_path_factory: pytest.TempPathFactory, inventory_url: str, redis_server_url: str
) -> Iterator[Callable[..., str]]:
    """Give a function that runs commands of an Airflow whose metadata were just made."""
    home = tmp_path_factory.mktemp("airflow")
    environ = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
        "DATABASE_URL": inventory_url,
        "REDIS_URL": redis_server_url,
    }
    with airflow_commands(environ, home) as run:
        run("db", "migrate")
        yield run


def test_dags_folder_has_documented_dags() -> None:
    """An empty folder would make the test below pass without a run."""
    assert len(list(DAGS.glob("*.py"))) >= 5


def test_dag_runs_to_its_end(dag_id: str, airflow: Callable[..., str], inventory_url: str) -> None:
    said = airflow("dags", "test", dag_id)
    outcomes = rows(
        inventory_url,
        "SELECT outcome FROM analytics_snapshot_runs WHERE task = %s",
        dag_id,
    )
    assert outcomes == [("success",)], said[-3000:]
