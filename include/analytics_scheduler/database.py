"""From settings to a PostgreSQL connection, and from the driver's errors to the package's.

The command line connects with the driver; tasks connect through Airflow's `PostgresHook`. Either
way the session is in UTC, every statement has a time limit, and the server ends a statement within
a second after its client has gone.
"""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, cast

import psycopg
from psycopg.conninfo import conninfo_to_dict

from analytics_scheduler.errors import (
    DatabaseRefusedError,
    DatabaseUnavailableError,
    NotConfiguredError,
    SettingError,
)
from analytics_scheduler.queries import Queries
from analytics_scheduler.redaction import scrubbed
from analytics_scheduler.settings import DatabaseSettings

if TYPE_CHECKING:
    from airflow.sdk import Connection as AirflowConnection
    from psycopg import Connection

CONNECTION_ID = "analytics_db"
_URL_CONNECTION_ID = "analytics_database_url"
_APPLICATION_NAME = "analytics-scheduler"
# What the client's end of a connection does about a network that has gone silent: it asks after 30
# quiet seconds, and gives up a minute later.
_NETWORK: Mapping[str, int] = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 6,
    "tcp_user_timeout": 60_000,
}
# A transaction of ours never pauses for more than a few seconds between two statements. After a
# minute the client is frozen or unreachable, and others wait for its locks.
_LONGEST_PAUSE_SECONDS = 60
_SECONDS_TO_CANCEL = 1
_SECONDS_TO_ANSWER = 5


@contextmanager
def connected(
    settings: DatabaseSettings, *, through_airflow: bool = False
) -> Iterator[Connection[Any]]:
    """Yield a connection that commits nothing by itself, and close it in any case.

    If the block ends by an exception, an interrupt or a time limit included, the running statement
    is cancelled in the server and the open transaction is rolled back.
    Raises DatabaseUnavailableError or DatabaseRefusedError for the driver's errors.
    """
    connection = open_connection(settings, through_airflow=through_airflow)
    try:
        with translated_errors(connection):
            yield connection
    except BaseException:
        _abandon(connection)
        raise
    finally:
        connection.close()


def open_connection(
    settings: DatabaseSettings, *, through_airflow: bool = False
) -> Connection[Any]:
    """Return a connection whose session has UTC and its time limits.

    Raises DatabaseUnavailableError if the server cannot be reached, and SettingError if the URL
    cannot be parsed.
    """
    if through_airflow or f"AIRFLOW_CONN_{CONNECTION_ID.upper()}" in os.environ:
        connection = _connect_with_hook(settings)
    else:
        with _unreachable_named(_url_server_name(settings)):
            connection = psycopg.connect(
                _conninfo(settings),
                application_name=_APPLICATION_NAME,
                **_missing_from(_conninfo(settings)),
            )
    try:
        with translated_errors(connection):
            # JIT compilation gains nothing for 1,000 locations, and costs a third for 10,000.
            connection.execute(
                "SELECT set_config('TimeZone', 'UTC', false),"
                " set_config('jit', 'off', false),"
                " set_config('client_connection_check_interval', '1000', false),"
                " set_config('idle_in_transaction_session_timeout', %s, false),"
                " set_config('statement_timeout', %s, false)",
                (
                    str(_LONGEST_PAUSE_SECONDS * 1000),
                    str(settings.task_timeout_seconds * 1000),
                ),
            )
            connection.commit()
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def _unreachable_named(server: str) -> Iterator[None]:
    try:
        yield
    except psycopg.OperationalError as error:
        raise DatabaseUnavailableError(
            f"The database cannot be reached ({server}). Check DATABASE_URL or the Airflow "
            f"connection {CONNECTION_ID}, and that the server is running. The cause is: "
            f"{scrubbed(' '.join(str(error).split()))}"
        ) from error


def _conninfo(settings: DatabaseSettings) -> str:
    if settings.url is None:
        raise NotConfiguredError(
            "DATABASE_URL is not set. Set it to a URL such as "
            "postgresql://user:password@host:5432/database, or create the Airflow connection "
            "analytics_db."
        )
    return settings.url.reveal().replace("postgresql+psycopg://", "postgresql://", 1)


def _missing_from(conninfo: str) -> dict[str, Any]:
    """Return our network options, without those that a URL names itself."""
    try:
        given = conninfo_to_dict(conninfo)
    except psycopg.ProgrammingError:
        given = {}
    return {name: value for name, value in _NETWORK.items() if name not in given}


def _url_server_name(settings: DatabaseSettings) -> str:
    """Return host, port, database and user of DATABASE_URL, or raise SettingError.

    If a special character in the password is not percent-encoded, a part of the password is parsed
    as the host or the port. Such a URL is refused before any message can show it.
    """
    try:
        parts = conninfo_to_dict(_conninfo(settings))
    except psycopg.ProgrammingError:
        parts = {"host": "@"}
    host, port = str(parts.get("host") or "?"), str(parts.get("port") or "5432")
    if "@" in host or not re.fullmatch(r"[0-9,]*", port):
        raise SettingError(
            "DATABASE_URL=*** cannot be used: it must be a URL such as "
            "postgresql://user:password@host:5432/database, with special characters in the "
            "password percent-encoded (@ as %40, / as %2F, : as %3A)."
        ) from None
    user = parts.get("user") or "?"
    return f"host {host} port {port} database {parts.get('dbname') or user} user {user}"


def _connect_with_hook(settings: DatabaseSettings) -> Connection[Any]:
    from airflow.providers.postgres.hooks.postgres import PostgresHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        known = PostgresHook.get_connection(CONNECTION_ID)
        server = (
            f"host {known.host or '?'} port {known.port or 5432} database {known.schema or '?'} "
            f"user {known.login or '?'}"
        )
    except AirflowNotFoundException:
        server = _url_server_name(settings)
        known = _airflow_connection(settings)
    known.extra = json.dumps({**_NETWORK, **known.extra_dejson})
    with _unreachable_named(server):
        connection = cast("Connection[Any]", PostgresHook(connection=known).get_conn())
        connection.execute("SELECT set_config('application_name', %s, false)", (_APPLICATION_NAME,))
    return connection


def _airflow_connection(settings: DatabaseSettings) -> AirflowConnection:
    """Return DATABASE_URL as an Airflow connection, with its password masked in Airflow's logs."""
    from airflow.sdk import Connection as AirflowConnection
    from airflow.sdk.log import mask_secret

    connection = AirflowConnection.from_uri(_conninfo(settings), conn_id=_URL_CONNECTION_ID)
    if connection.password:
        mask_secret(connection.password)
    return connection


def _abandon(connection: Connection[Any]) -> None:
    if connection.closed or connection.broken:
        return
    if connection.info.transaction_status == psycopg.pq.TransactionStatus.ACTIVE:
        with suppress(psycopg.Error):
            connection.cancel_safe(timeout=_SECONDS_TO_CANCEL)


@contextmanager
def time_limit(connection: Connection[Any], seconds: float) -> Iterator[None]:
    """Keep a deadline for a block, whatever the server and the network do.

    When it has passed, the running statement is cancelled; if the server does not answer, the
    connection is cut. The block then ends with the driver's error.
    """
    has_ended = Event()

    def keep() -> None:
        if has_ended.wait(seconds):
            return
        with suppress(psycopg.Error):
            connection.cancel_safe(timeout=_SECONDS_TO_CANCEL)
        if not has_ended.wait(_SECONDS_TO_ANSWER):
            cut(connection)

    thread = Thread(target=keep, name="time limit", daemon=True)
    thread.start()
    try:
        yield
    finally:
        has_ended.set()
        thread.join()


def cut(connection: Connection[Any]) -> None:
    """End a connection from another thread; a thread that waits for its server gets an error."""
    with (
        suppress(psycopg.Error, OSError),
        socket.socket(fileno=os.dup(connection.fileno())) as network,
    ):
        network.shutdown(socket.SHUT_RDWR)


def limit_lock_waits(queries: Queries) -> None:
    """Let this transaction wait for no lock longer than DATABASE_LOCK_TIMEOUT_SECONDS."""
    milliseconds = queries.settings.lock_timeout_seconds * 1000
    queries.run("limit_lock_waits", milliseconds=str(milliseconds))


@contextmanager
def translated_errors(connection: Connection[Any]) -> Iterator[None]:
    """Turn the driver's errors into the package's, which name the server but no password."""
    try:
        yield
    except psycopg.OperationalError as error:
        if connection.closed or connection.broken or isinstance(error, _LOST):
            raise DatabaseUnavailableError(
                f"The connection to {server_name(connection)} was lost: {scrubbed(str(error))}"
            ) from error
        raise DatabaseRefusedError(refusal(error)) from error
    except psycopg.Error as error:
        raise DatabaseRefusedError(refusal(error)) from error


_LOST = (
    psycopg.errors.AdminShutdown,
    psycopg.errors.CrashShutdown,
    psycopg.errors.CannotConnectNow,
)


def refusal(error: psycopg.Error) -> str:
    """Return the database's own message for an error, followed by its SQLSTATE."""
    text = error.diag.message_primary or str(error)
    detail = f" ({error.diag.message_detail})" if error.diag.message_detail else ""
    return f"{scrubbed(text)}{scrubbed(detail)} [SQLSTATE {error.sqlstate}]"


def server_name(connection: Connection[Any]) -> str:
    """Return host, port, database and user of a connection, for messages."""
    info = connection.info
    try:
        return f"host {info.host or '?'} port {info.port} database {info.dbname} user {info.user}"
    except psycopg.OperationalError:
        return "the database"
