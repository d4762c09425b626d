"""From settings to a Redis client, and from the driver's errors to ours.

The command line connects with the driver alone; inside Airflow the client comes from `RedisHook`.
An address means the same in both cases: `rediss` is TLS, and the path names the database.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread
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
_SECONDS_BETWEEN_CUTS = 0.1


@contextmanager
def connected_cache(settings: CacheSettings, *, through_airflow: bool = False) -> Iterator[Cache]:
    """Give a client of the analytics cache, and close it afterwards.

    Raises NotConfiguredError without an address, SettingError for one that cannot be used, and
    CacheUnavailableError for every error of Redis, in the block too.
    """
    client = _open(settings, through_airflow=through_airflow)
    try:
        with translated_cache_errors(client):
            yield client
    finally:
        client.close()


def _open(settings: CacheSettings, *, through_airflow: bool) -> Cache:
    """Return a client; it connects with its first command, a client of a cluster at once."""
    if through_airflow or f"AIRFLOW_CONN_{CONNECTION_ID.upper()}" in os.environ:
        client = _client_from_airflow(settings)
    else:
        client = driver_client(_url(settings))
    client.set_retry(Retry(ConstantBackoff(_SECONDS_BEFORE_RETRY), _RETRIES))
    return client


def _url(settings: CacheSettings) -> str:
    if settings.url is None:
        raise NotConfiguredError(
            "REDIS_URL is not set. Set it to a URL such as redis://:password@host:6379/0, or make "
            f"the Airflow connection {CONNECTION_ID}."
        )
    return settings.url.reveal()


def _client_from_airflow(settings: CacheSettings) -> Cache:
    from airflow.providers.redis.hooks.redis import RedisHook
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        connection = _corrected(RedisHook.get_connection(CONNECTION_ID))
    except AirflowNotFoundException:
        options = hook_options(_url(settings))
        if options is None:
            return driver_client(_url(settings))
        connection = Connection(conn_id=CONNECTION_ID, conn_type="redis", **options)
    hook: Any = RedisHook(redis_conn_id=CONNECTION_ID)
    # The hook looks its connection up by id, which would bring back the uncorrected one, or none.
    hook.get_connection = lambda _connection_id: connection
    try:
        return cast("Cache", hook.get_conn())
    except RedisClusterException as error:
        name = _cluster_name(connection.host, connection.port)
        raise CacheUnavailableError(f"Redis ({name}) {complaint_about(error)}") from error
    except ValueError as error:
        raise SettingError(
            f"The Airflow connection {CONNECTION_ID} cannot be used: {scrubbed(str(error))}"
        ) from error


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


@contextmanager
def cache_deadline(client: Cache, seconds: float) -> Iterator[None]:
    """End the block after some seconds, whatever Redis does, with CacheUnavailableError.

    A server that never answers, or byte by byte, keeps within the limit of each command. So the
    connections are cut, until the block has noticed. (Connecting has a limit of its own.)
    """
    has_ended, is_up = Event(), Event()

    def keep() -> None:
        if has_ended.wait(seconds):
            return
        is_up.set()
        while not has_ended.wait(_SECONDS_BETWEEN_CUTS):
            _cut(client)

    thread = Thread(target=keep, name="cache deadline", daemon=True)
    thread.start()
    try:
        yield
    except (
        *(CacheUnavailableError, RedisError, RedisClusterException),
        # What the driver says of a socket that was cut under it:
        *(OSError, ValueError, AttributeError),
    ) as error:
        if not is_up.is_set():
            raise
        raise CacheUnavailableError(
            f"Redis ({cache_name(client)}) did not answer in time: {seconds:g} seconds are allowed "
            "for all figures"
        ) from error
    finally:
        has_ended.set()
        thread.join()


def _cut(client: Cache) -> None:
    pools = [client] if isinstance(client, redis.Redis) else nodes_of(client)
    for each in pools:
        with suppress(RedisError, OSError):
            each.connection_pool.disconnect(inuse_connections=True)


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
