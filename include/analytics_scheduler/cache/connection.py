"""From settings to a Redis client, and from the driver's errors to ours.

The command line connects with the driver alone; inside Airflow the client comes from `RedisHook`.
An address means the same in both cases: `rediss` is TLS, and the path names the database.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import redis
from redis.backoff import ConstantBackoff
from redis.cluster import RedisCluster
from redis.exceptions import RedisClusterException, RedisError
from redis.retry import Retry

from analytics_scheduler.cache.address import connection_extra, driver_client, hook_options
from analytics_scheduler.cache.complaints import complaint_about
from analytics_scheduler.errors import CacheUnavailableError, NotConfiguredError, SettingError
from analytics_scheduler.redaction import scrubbed
from analytics_scheduler.settings import CacheSettings

if TYPE_CHECKING:
    from airflow.sdk import Connection

Cache: TypeAlias = redis.Redis | RedisCluster

CONNECTION_ID = "analytics_cache"
_RETRIES = 1
_SECONDS_BEFORE_RETRY = 0.2


@dataclass(frozen=True, slots=True)
class CacheServer:
    """Where the cache is, without user or password, and how to get a client of it.

    `connect` may raise SettingError or CacheUnavailableError. The client connects with its first
    command; a client of a cluster is connected already.
    """

    name: str
    connect: Callable[[], Cache]


@contextmanager
def connected_cache(settings: CacheSettings, *, through_airflow: bool = False) -> Iterator[Cache]:
    """Give a client of the analytics cache, and close it afterwards.

    Raises NotConfiguredError without an address, SettingError for one that cannot be used, and
    CacheUnavailableError for every error of Redis, in the block too.
    """
    client = find_cache(settings, through_airflow=through_airflow).connect()
    try:
        with translated_cache_errors(client):
            yield client
    finally:
        client.close()


def find_cache(settings: CacheSettings, *, through_airflow: bool = False) -> CacheServer:
    """Return the server that the settings or the Airflow connection name; nothing is sent to it.

    Raises NotConfiguredError without an address, and SettingError for one that cannot be used.
    """
    if through_airflow or f"AIRFLOW_CONN_{CONNECTION_ID.upper()}" in os.environ:
        return _server_of_airflow(settings)
    return _server_of_driver(settings)


def _server_of_driver(settings: CacheSettings) -> CacheServer:
    client = _with_retries(driver_client(_url(settings)))
    return CacheServer(cache_name(client), lambda: client)


def _with_retries(client: Cache) -> Cache:
    client.set_retry(Retry(ConstantBackoff(_SECONDS_BEFORE_RETRY), _RETRIES))
    return client


def _url(settings: CacheSettings) -> str:
    if settings.url is None:
        raise NotConfiguredError(
            "REDIS_URL is not set. Set it to a URL such as redis://:password@host:6379/0, or make "
            f"the Airflow connection {CONNECTION_ID}."
        )
    return settings.url.reveal()


def _server_of_airflow(settings: CacheSettings) -> CacheServer:
    from airflow.providers.redis.hooks.redis import RedisHook
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        connection = _corrected(RedisHook.get_connection(CONNECTION_ID))
    except AirflowNotFoundException:
        options = hook_options(_url(settings))
        if options is None:
            return _server_of_driver(settings)
        connection = Connection(conn_id=CONNECTION_ID, conn_type="redis", **options)
    name = _name_of(connection)

    def connect() -> Cache:
        hook: Any = RedisHook(redis_conn_id=CONNECTION_ID)
        # The hook looks its connection up by id, which would bring back the uncorrected one, or
        # none.
        hook.get_connection = lambda _connection_id: connection
        try:
            return _with_retries(cast("Cache", hook.get_conn()))
        except RedisClusterException as error:
            raise CacheUnavailableError(f"Redis ({name}) {complaint_about(error)}") from error
        except ValueError as error:
            raise SettingError(
                f"The Airflow connection {CONNECTION_ID} cannot be used: {scrubbed(str(error))}"
            ) from error

    return CacheServer(name, connect)


def _corrected(connection: Connection) -> Connection:
    """Return a connection whose TLS and database are where RedisHook looks for them.

    RedisHook ignores the scheme `rediss` and the database in the path of a URI.
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
    """Return clients that together see every key: one for each primary of a cluster."""
    if isinstance(client, RedisCluster):
        cluster: Any = client
        return [cluster.get_redis_connection(node) for node in cluster.get_primaries()]
    return [client]


def cache_name(client: Cache) -> str:
    """Return where a client connects to, without user or password."""
    if isinstance(client, RedisCluster):
        cluster: Any = client
        node = cluster.get_default_node()
        return _cluster_name(node.host, node.port) if node else "the cluster"
    options: dict[str, Any] = client.connection_pool.connection_kwargs
    database = f"database {options.get('db') or 0}"
    if "path" in options:
        return f"socket {options['path']} {database}"
    service = getattr(client.connection_pool, "service_name", None)
    if service is not None:
        return f"Sentinel service {service} {database}"
    return f"host {options.get('host')} port {options.get('port')} {database}"


def _name_of(connection: Connection) -> str:
    extra = connection.extra_dejson
    if extra.get("cluster"):
        return _cluster_name(connection.host, connection.port)
    return f"host {connection.host} port {connection.port} database {extra.get('db') or 0}"


def _cluster_name(host: str | None, port: int | None) -> str:
    return f"the cluster at host {host} port {port}"


@contextmanager
def translated_cache_errors(client: Cache) -> Iterator[None]:
    """Turn the driver's errors into CacheUnavailableError: one line, no password, no key."""
    try:
        yield
    except (RedisError, RedisClusterException) as error:
        raise CacheUnavailableError(
            f"Redis ({cache_name(client)}) {complaint_about(error)}"
        ) from error
