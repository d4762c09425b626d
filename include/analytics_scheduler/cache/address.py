"""From the URL of a Redis server to a client of the driver, or to options of RedisHook.

RedisHook supports `redis://` and `rediss://`. For `unix://`, `redis+sentinel://` and
`rediss+sentinel://` the driver connects by itself, inside Airflow too.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import redis
from redis.connection import SSLConnection, parse_url
from redis.sentinel import Sentinel

from analytics_scheduler.errors import SettingError

_TIMEOUTS: dict[str, Any] = {"socket_timeout": 10, "socket_connect_timeout": 5}
_SENTINEL_PORT = 26379
_DIRECT = frozenset({"host", "port", "db", "username", "password", "connection_class"})
_TLS_OPTIONS = frozenset(
    {"ssl_cert_reqs", "ssl_ca_certs", "ssl_keyfile", "ssl_certfile", "ssl_check_hostname"}
)
_SWITCHES = ("ssl", "ssl_check_hostname", "cluster")


def driver_client(url: str) -> redis.Redis:
    """Return the driver's client for a URL; it connects with its first command.

    Raises SettingError if the URL cannot be used.
    """
    if urlsplit(url).scheme.endswith("+sentinel"):
        return _sentinel_client(url)
    options = _parsed(url)
    pool = redis.ConnectionPool(**{**_TIMEOUTS, **options})
    return redis.Redis.from_pool(pool)


def hook_options(url: str) -> dict[str, Any] | None:
    """Return the fields of an Airflow connection that mean the same to RedisHook as a URL.

    None if RedisHook has no such field: for a unix socket, Sentinel, or an option of the driver.
    Raises SettingError if the URL cannot be used.
    """
    if urlsplit(url).scheme.endswith("+sentinel"):
        return None
    options = _parsed(url)
    if "path" in options or not set(options) <= _DIRECT | _TLS_OPTIONS:
        return None
    extra: dict[str, Any] = {name: options[name] for name in _TLS_OPTIONS & set(options)}
    return {
        "host": options.get("host", "localhost"),
        "port": options.get("port", 6379),
        "login": options.get("username"),
        "password": options.get("password"),
        "extra": connection_extra(
            extra,
            is_tls=options.get("connection_class") is SSLConnection,
            database=str(options.get("db", 0)),
        ),
    }


def connection_extra(extra: dict[str, Any], *, is_tls: bool, database: str | None) -> str:
    """Return the extra of an Airflow connection, with TLS and database as RedisHook reads them.

    What the extra already has, wins. Texts such as "false", from the query of a URI, become
    booleans.
    """
    corrected = dict(extra)
    if is_tls:
        corrected.setdefault("ssl", True)
    if database and database.isdigit() and not corrected.get("cluster"):
        corrected.setdefault("db", int(database))
    for name in _SWITCHES:
        if isinstance(corrected.get(name), str):
            corrected[name] = corrected[name].strip().lower() in ("true", "1", "yes", "on")
    return json.dumps(corrected)


def _parsed(url: str) -> dict[str, Any]:
    try:
        options = dict(parse_url(url))  # type: ignore[no-untyped-call]
    except (ValueError, TypeError):
        # The driver's own message may contain part of the password.
        raise _unusable() from None
    # The driver takes database 0 for a path that is not a number.
    path = urlsplit(url).path.strip("/")
    if "path" not in options and path and not path.isdecimal():
        raise _unusable()
    # The package reads bytes.
    options.pop("decode_responses", None)
    return options


def _sentinel_client(url: str) -> redis.Redis:
    try:
        parts = urlsplit(url)
        credentials, _, addresses = parts.netloc.rpartition("@")
        username, _, password = credentials.partition(":")
        service, _, database = parts.path.strip("/").partition("/")
        query = dict(parse_qsl(parts.query))
        sentinels = [_host_and_port(address) for address in addresses.split(",")]
        number = int(database or query.pop("db", "0"))
    except ValueError:
        raise _unusable() from None
    if not service or not set(query) <= {"sentinel_username", "sentinel_password"}:
        raise _unusable()
    login = {
        name.removeprefix("sentinel_"): unquote(value) for name, value in query.items() if value
    }
    tls = {"ssl": True} if parts.scheme == "rediss+sentinel" else {}
    sentinel: Any = Sentinel(  # type: ignore[no-untyped-call]
        sentinels, sentinel_kwargs={**_TIMEOUTS, **tls, **login}
    )
    client: redis.Redis = sentinel.master_for(
        service,
        db=number,
        username=unquote(username) or None,
        password=unquote(password) or None,
        **_TIMEOUTS,
        **tls,
    )
    return client


def _host_and_port(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not colon:
        host, port = address, str(_SENTINEL_PORT)
    if not host:
        raise ValueError(address)
    return host.strip("[]"), int(port)


def _unusable() -> SettingError:
    return SettingError(
        "REDIS_URL=*** cannot be used. It must have one of the forms "
        "redis://user:password@host:6379/0, rediss://..., unix:///path/to/socket?db=0 and "
        "redis+sentinel://user:password@host:26379,host:26379/service/0. Write the characters "
        "@ / : # in a password as %40 %2F %3A %23."
    )
