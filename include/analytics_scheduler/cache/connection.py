"""From settings to a Redis client, and from the driver's errors to ours.

The command line connects with the driver alone; inside Airflow the client comes through
`RedisHook`. Whatever the way, an address means the same: TLS where the scheme says `rediss`, and
the database that the path names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import redis
from redis.backoff import ConstantBackoff
from redis.cluster import RedisCluster
from redis.exceptions import RedisError
from redis.retry import Retry

from analytics_scheduler.cache.address import connection_extra, driver_client, hook_options
from analytics_scheduler.errors import CacheUnavailableError, NotConfiguredError
from analytics_scheduler.redaction import scrubbed
from analytics_scheduler.settings import CacheSettings

if TYPE_CHECKING:
    from airflow.sdk import Connection

Cache: TypeAlias = redis.Redis | RedisCluster

CONNECTION_ID = "analytics_cache"
_TRIES_AGAIN = 1
_SECONDS_BETWEEN_TRIES = 0.2
_PIPELINE_PREFIX = re.compile(r"^Command # \d+ \(.*\) of pipeline caused error: ", re.DOTALL)


@contextmanager
def connected_cache(settings: CacheSettings, *, through_airflow: bool = False) -> Iterator[Cache]:
    """Give a client of the analytics cache, closed whatever happens.

    Raises CacheUnavailableError for whatever Redis or the way to it refuses, here or in the block.
    """
    client = open_cache(settings, through_airflow=through_airflow)
    try:
        with translated_cache_errors(client):
            yield client
    finally:
        client.close()


def open_cache(settings: CacheSettings, *, through_airflow: bool = False) -> Cache:
    """Return a client that connects with its first command, or raise SettingError."""
    if through_airflow or f"AIRFLOW_CONN_{CONNECTION_ID.upper()}" in os.environ:
        client = _client_of_airflow(settings)
    else:
        client = driver_client(_address(settings))
    client.set_retry(Retry(ConstantBackoff(_SECONDS_BETWEEN_TRIES), _TRIES_AGAIN))
    return client


def _address(settings: CacheSettings) -> str:
    if settings.url is None:
        raise NotConfiguredError(
            "REDIS_URL is not set: allowed is a URL such as redis://:password@host:6379/0, or an "
            "Airflow connection analytics_cache."
        )
    return settings.url.reveal()


def _client_of_airflow(settings: CacheSettings) -> Cache:
    from airflow.providers.redis.hooks.redis import RedisHook
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        connection = _corrected(RedisHook.get_connection(CONNECTION_ID))
    except AirflowNotFoundException:
        options = hook_options(_address(settings))
        if options is None:
            return driver_client(_address(settings))
        connection = Connection(conn_id=CONNECTION_ID, conn_type="redis", **options)

    class CacheHook(RedisHook):
        """Ask for this one connection, which the hook itself would read without db and TLS."""

        @classmethod
        def get_connection(cls, conn_id: str) -> Connection:  # noqa: ARG003
            return connection

    hook: Any = CacheHook(redis_conn_id=CONNECTION_ID)
    return cast("Cache", hook.get_conn())


def _corrected(connection: Connection) -> Connection:
    """Return a connection whose scheme and path say what they say everywhere else.

    RedisHook passes over the database in a URI's path and over the TLS of `rediss`.
    """
    from airflow.sdk import Connection

    return Connection(
        conn_id=CONNECTION_ID,
        conn_type="redis",
        host=connection.host or "localhost",
        port=connection.port or 6379,
        login=connection.login,
        password=connection.password,
        extra=connection_extra(
            connection.extra_dejson,
            is_tls=connection.conn_type == "rediss",
            database=connection.schema,
        ),
    )


def nodes_of(client: Cache) -> list[redis.Redis]:
    """Return the clients that together see every key: the primaries of a cluster, or the one."""
    if isinstance(client, RedisCluster):
        cluster: Any = client
        return [cluster.get_redis_connection(node) for node in cluster.get_primaries()]
    return [client]


def cache_name(client: Cache) -> str:
    """Return where a client connects to: what may be shown."""
    if isinstance(client, RedisCluster):
        cluster: Any = client
        node = cluster.get_default_node()
        return f"the cluster at host {node.host} port {node.port}" if node else "the cluster"
    options: dict[str, Any] = client.connection_pool.connection_kwargs
    database = f"database {options.get('db') or 0}"
    if "path" in options:
        return f"socket {options['path']} {database}"
    service = getattr(client.connection_pool, "service_name", None)
    if service is not None:
        return f"Sentinel service {service} {database}"
    return f"host {options.get('host')} port {options.get('port')} {database}"


@contextmanager
def translated_cache_errors(client: Cache) -> Iterator[None]:
    """Turn the driver's errors into CacheUnavailableError: one line, no password, no key."""
    try:
        yield
    except RedisError as error:
        raise CacheUnavailableError(
            f"Redis ({cache_name(client)}) {_complaint(error)}: {_words_of(error)}"
        ) from error


def _complaint(error: RedisError) -> str:
    text = _words_of(error)
    for kind, signs, complaint in _COMPLAINTS:
        if isinstance(error, kind) or any(sign in text for sign in signs):
            return complaint
    return "refuses the command"


_COMPLAINTS: tuple[tuple[tuple[type[RedisError], ...], tuple[str, ...], str], ...] = (
    ((redis.AuthenticationError,), ("NOAUTH", "WRONGPASS"), "refuses the login"),
    ((redis.ReadOnlyError,), ("READONLY", "NOREPLICAS", "MISCONF"), "accepts no writes now"),
    ((redis.OutOfMemoryError,), ("OOM ",), "is out of memory"),
    ((redis.exceptions.NoPermissionError,), ("NOPERM",), "lets this user not do it"),
    (
        (),
        ("unknown command",),
        "does not know the command (a Sentinel is named redis+sentinel://host:26379/service)",
    ),
    ((redis.BusyLoadingError,), ("LOADING", "MASTERDOWN", "CLUSTERDOWN"), "is not ready yet"),
    ((redis.TimeoutError,), (), "did not answer in time"),
    ((redis.ConnectionError,), (), "cannot be reached"),
)


def _words_of(error: RedisError) -> str:
    text = _PIPELINE_PREFIX.sub("", str(error))
    return scrubbed(" ".join(text.split())) or type(error).__name__
