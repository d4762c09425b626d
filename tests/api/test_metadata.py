"""Which errors of Airflow's metadata database mean that a later attempt may succeed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool, QueuePool
from tests.support.database import scratch_database

from analytics_scheduler.api.metadata import is_busy


@pytest.fixture(params=["psycopg", "psycopg2"])
def postgres(request: pytest.FixtureRequest, postgres_server: str) -> Iterator[Engine]:
    """Give each PostgreSQL driver that Airflow can use, on a database with one table."""
    with scratch_database(postgres_server) as url:
        driver_url = url.replace("postgresql://", f"postgresql+{request.param}://", 1)
        engine = create_engine(driver_url, poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE dag (dag_id text)"))
        yield engine


def execute(engine: Engine, *statements: str) -> None:
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))


def error_of(engine: Engine, *statements: str) -> SQLAlchemyError:
    """Return the error that some statements raise on one connection."""
    with pytest.raises(SQLAlchemyError) as caught:
        execute(engine, *statements)
    return caught.value


def test_is_busy_with_sqlite_locked(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'busy.db'}", connect_args={"timeout": 0})
    with engine.connect() as holder:
        holder.execute(text("BEGIN EXCLUSIVE"))

        error = error_of(engine, "CREATE TABLE dag (dag_id TEXT)")

    assert is_busy(error)


def test_is_busy_with_sqlite_broken(tmp_path: Path) -> None:
    (tmp_path / "locked.db").write_text("This is not a database, and it is not locked. " * 10)
    engine = create_engine(f"sqlite:///{tmp_path / 'locked.db'}", poolclass=NullPool)

    assert not is_busy(error_of(engine, "CREATE TABLE dag (dag_id TEXT)"))
    assert not is_busy(error_of(create_engine("sqlite://"), "SELECT * FROM locked"))


def test_is_busy_with_postgres_lock(postgres: Engine) -> None:
    with postgres.connect() as holder:
        holder.execute(text("LOCK TABLE dag"))

        by_lock = error_of(postgres, "SET lock_timeout = '50ms'", "LOCK TABLE dag")
        by_statement = error_of(postgres, "SET statement_timeout = '50ms'", "LOCK TABLE dag")

    assert is_busy(by_lock)
    assert is_busy(by_statement)


def test_is_busy_with_postgres_down(postgres: Engine) -> None:
    away = create_engine(postgres.url.set(port=1))

    assert not is_busy(error_of(postgres, "SELECT * FROM locked"))
    assert not is_busy(error_of(away, "SELECT 1"))


def test_is_busy_without_a_free_connection(postgres_server: str) -> None:
    with scratch_database(postgres_server) as url:
        engine = create_engine(
            url, poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0.05
        )
        with engine.connect():
            error = error_of(engine, "SELECT 1")
        engine.dispose()

    assert is_busy(error)
