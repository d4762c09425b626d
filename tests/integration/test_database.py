"""Connections: the settings of a session, and every failure, named without a secret."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from urllib.parse import quote, urlsplit

import pytest
from psycopg import sql
from tests.support.database import execute, value
from tests.support.documented_source import emptied, role_of, settings_of

from analytics_scheduler.database import (
    connected,
    open_connection,
    server_name,
)
from analytics_scheduler.errors import DatabaseRefusedError, DatabaseUnavailableError
from analytics_scheduler.queries import Queries
from analytics_scheduler.settings import DatabaseSettings


@pytest.fixture
def settings(database_url: str) -> DatabaseSettings:
    return settings_of(emptied(database_url))


def test_a_session_has_its_settings(settings: DatabaseSettings) -> None:
    with connected(replace(settings, task_timeout_seconds=77)) as connection:
        row = connection.execute(
            "SELECT current_setting('TimeZone'), current_setting('statement_timeout'),"
            " current_setting('client_connection_check_interval'),"
            " current_setting('application_name')"
        ).fetchone()
    assert row == ("UTC", "77s", "1s", "analytics-scheduler")


def test_nothing_is_committed_by_leaving(settings: DatabaseSettings) -> None:
    with connected(settings) as connection:
        connection.execute("CREATE TABLE forgotten ()")
    with connected(settings) as connection:
        row = connection.execute("SELECT to_regclass('forgotten')").fetchone()
    assert row == (None,)


def test_a_connection_is_closed_whatever_happens(settings: DatabaseSettings) -> None:
    with pytest.raises(ZeroDivisionError), connected(settings) as connection:
        raise ZeroDivisionError
    assert connection.closed


def test_an_interrupt_cancels_the_running_statement(settings: DatabaseSettings) -> None:
    assert settings.url is not None
    url = settings.url.reveal()

    def interrupted() -> None:
        with connected(settings) as connection:
            connection.execute("SET client_connection_check_interval = 0")  # the cancel alone
            connection.execute("SELECT pg_advisory_lock(4711)")
            connection.pgconn.send_query(b"SELECT pg_sleep(60)")
            sleeping = "SELECT wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = %s"
            while not value(url, sleeping, connection.info.backend_pid):
                time.sleep(0.01)  # a cancel that comes before the statement is lost
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with connected(replace(settings, task_timeout_seconds=20)) as connection:
        # Granted at once if the session has ended, refused if it still sleeps.
        connection.execute("SELECT pg_advisory_lock(4711)")


def test_an_unreachable_host_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIRFLOW_CONN_ANALYTICS_DB", raising=False)
    settings = settings_of("postgresql://shop:s3cret@127.0.0.1:1/inventory")
    with pytest.raises(DatabaseUnavailableError) as refusal:
        open_connection(settings)
    message = str(refusal.value)
    assert "host 127.0.0.1 port 1 database inventory user shop" in message
    assert "Check DATABASE_URL or the Airflow connection analytics_db" in message
    assert "s3cret" not in f"{message} {refusal.value.__cause__}"


def test_a_missing_database_is_named(settings: DatabaseSettings) -> None:
    assert settings.url is not None
    url = urlsplit(settings.url.reveal())._replace(path="/nowhere").geturl()
    with pytest.raises(DatabaseUnavailableError, match='database "nowhere" does not exist'):
        open_connection(settings_of(url))


@pytest.mark.parametrize("password", ["s3cret", "s3/cret", "s3@cret", "s3 cret", "s3:cret%"])
def test_a_refused_login_shows_no_password(settings: DatabaseSettings, password: str) -> None:
    assert settings.url is not None
    parts = urlsplit(settings.url.reveal())
    address = parts.netloc.rpartition("@")[2]
    with role_of(settings.url.reveal(), "NOLOGIN") as (role, _):
        netloc = f"{role}:{quote(password, safe='')}@{address}"
        with pytest.raises(DatabaseUnavailableError) as refusal:
            open_connection(settings_of(parts._replace(netloc=netloc).geturl()))
    message = str(refusal.value)
    assert f"user {role}" in message
    for form in (password, quote(password, safe="")):
        assert form not in message
        assert form not in str(refusal.value.__cause__)


def test_a_lost_connection_is_named(settings: DatabaseSettings) -> None:
    assert settings.url is not None
    url = settings.url.reveal()

    def lose_connection() -> None:
        with connected(settings) as connection:
            execute(url, f"SELECT pg_terminate_backend({connection.info.backend_pid})")
            connection.execute("SELECT 1")

    with pytest.raises(DatabaseUnavailableError) as refusal:
        lose_connection()
    assert "was lost" in str(refusal.value)
    assert f"database {urlsplit(url).path[1:]}" in str(refusal.value)


def test_a_statement_over_its_limit_is_refused(settings: DatabaseSettings) -> None:
    with (
        pytest.raises(DatabaseRefusedError, match=r"statement timeout.*57014"),
        connected(replace(settings, task_timeout_seconds=1)) as connection,
    ):
        connection.execute("SELECT pg_sleep(30)")


def test_a_refusal_has_the_databases_message(settings: DatabaseSettings) -> None:
    with (
        pytest.raises(DatabaseRefusedError) as refusal,
        connected(settings) as connection,
    ):
        connection.execute(
            "CREATE TABLE shops (id integer PRIMARY KEY); INSERT INTO shops VALUES (7), (7)"
        )
    assert str(refusal.value) == (
        'duplicate key value violates unique constraint "shops_pkey" '
        "(Key (id)=(7) already exists.) [SQLSTATE 23505]"
    )


def test_a_server_is_named_without_its_password(settings: DatabaseSettings) -> None:
    assert settings.url is not None
    with role_of(settings.url.reveal()) as (role, url), connected(settings_of(url)) as connection:
        name = server_name(connection)
        assert f"user {role}" in name
        assert "s3cret" not in name


def test_an_airflow_connection_wins_over_the_url(
    settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings.url is not None
    url = settings.url.reveal()
    with role_of(url) as (role, role_url):
        parts = urlsplit(role_url)
        host = dict(part.split("=", 1) for part in parts.query.split("&") if part).get("host")
        address = quote(host, safe="") if host else parts.netloc.rpartition("@")[2]
        monkeypatch.setenv(
            "AIRFLOW_CONN_ANALYTICS_DB", f"postgres://{role}:s3cret@{address}{parts.path}"
        )
        with connected(settings) as connection:
            row = connection.execute(
                "SELECT current_user, current_setting('application_name')"
            ).fetchone()
    assert row == (role, "analytics-scheduler")


def test_an_unreachable_airflow_connection_is_named(
    settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_ANALYTICS_DB", "postgres://shop:s3cret@127.0.0.1:1/inventory")
    with pytest.raises(DatabaseUnavailableError) as refusal:
        open_connection(settings)
    assert "host 127.0.0.1 port 1 database inventory user shop" in str(refusal.value)
    assert "s3cret" not in f"{refusal.value} {refusal.value.__cause__}"


def test_the_url_stands_in_for_an_airflow_connection(
    settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment stays as it is: a child process would inherit a second copy of the URL."""
    monkeypatch.delenv("AIRFLOW_CONN_ANALYTICS_DB", raising=False)
    before = dict(os.environ)
    assert settings.url is not None
    with connected(settings, through_airflow=True) as connection:
        assert connection.info.dbname == urlsplit(settings.url.reveal()).path[1:]
    assert dict(os.environ) == before


def test_the_password_of_the_url_is_masked(
    settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the password of an Airflow connection is in the logs of tasks."""
    monkeypatch.delenv("AIRFLOW_CONN_ANALYTICS_DB", raising=False)
    masked: list[object] = []
    monkeypatch.setattr("airflow.sdk.log.mask_secret", masked.append)
    assert settings.url is not None
    with (
        role_of(settings.url.reveal()) as (_, url),
        connected(settings_of(url), through_airflow=True) as connection,
    ):
        assert connection.info.password == "s3cret"
    assert "s3cret" in masked


@pytest.mark.parametrize("schema", ['a"b', "c d", "100%", "%(size)s", "{analytics}"])
def test_a_schema_of_any_name_is_quoted(settings: DatabaseSettings, schema: str) -> None:
    assert settings.url is not None
    name = sql.Identifier(schema).as_string()
    execute(
        settings.url.reveal(),
        f"CREATE SCHEMA {name}",
        f"CREATE TABLE {name}.locations AS SELECT true AS is_active",
    )
    with connected(replace(settings, source_schema=schema)) as connection:
        row = Queries(connection, replace(settings, source_schema=schema)).run(
            "count_source_locations"
        )
        assert row.fetchone() == (1, 1)
