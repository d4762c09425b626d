"""Redis within a deadline: a thread waits for Redis, and the caller for the thread.

The driver limits each read, so a server that sends one byte at a time never exceeds a limit. A name
server, a TLS handshake and the discovery of a cluster have limits of their own, or none.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from redis.cluster import RedisCluster

from analytics_scheduler.cache.connection import translated_cache_errors
from analytics_scheduler.errors import CacheUnavailableError

if TYPE_CHECKING:
    from analytics_scheduler.cache.connection import Cache, CacheServer

Args = ParamSpec("Args")
Result = TypeVar("Result")

_SECONDS_BETWEEN_CUTS = 0.1


class TimedCache:
    """A client of the cache that is built and used within a time limit, whatever Redis does.

    At the limit the running step is abandoned, and no other begins. Always close the client.
    """

    def __init__(self, server: CacheServer, seconds: float) -> None:
        self._server = server
        self._seconds = seconds
        self._ends_at = time.monotonic() + seconds
        self._thread: Thread | None = None
        self._client = self._wait_for(server.connect)

    def seconds_left(self) -> float:
        """Return how many seconds are left; 0 after the deadline."""
        return max(0.0, self._ends_at - time.monotonic())

    def run(
        self,
        step: Callable[Concatenate[Cache, Args], Result],
        *args: Args.args,
        **kwargs: Args.kwargs,
    ) -> Result:
        """Call a function with the client, and return what it returns.

        It runs in a separate thread, so it must not use the database. Raises
        CacheUnavailableError for every error of Redis, and at the deadline.
        """
        with translated_cache_errors(self._client):
            return self._wait_for(lambda: step(self._client, *args, **kwargs))

    def close(self) -> None:
        """Close the client. End the thread of an abandoned step, without waiting for it."""
        if self._thread is not None and self._thread.is_alive():
            ending = Thread(target=self._end, args=(self._thread,), name="cache end", daemon=True)
            ending.start()
        else:
            self._client.close()

    def _wait_for(self, step: Callable[[], Result]) -> Result:
        # A thread that is still alive was abandoned, by an interrupt if there is time left.
        is_abandoned = self._thread is not None and self._thread.is_alive()
        if is_abandoned or not self.seconds_left():
            raise CacheUnavailableError(
                f"Publishing to Redis ({self._server.name}) took too long: {self._allowed()}"
            )
        outcome: Future[Result] = Future()

        def work() -> None:
            try:
                outcome.set_result(step())
            except BaseException as error:
                # The caller raises it, or ignores it after the deadline.
                outcome.set_exception(error)

        self._thread = Thread(target=work, name="cache", daemon=True)
        self._thread.start()
        if not wait((outcome,), self.seconds_left()).done:
            raise CacheUnavailableError(
                f"Redis ({self._server.name}) did not answer in time: {self._allowed()}"
            )
        self._thread.join()
        return outcome.result()

    def _allowed(self) -> str:
        return f"{self._seconds:g} seconds are allowed for all figures."

    def _end(self, thread: Thread) -> None:
        # The driver may connect again, to the same server or to the next Sentinel.
        while thread.is_alive():
            _cut(self._client)
            thread.join(_SECONDS_BETWEEN_CUTS)
        self._client.close()


def _cut(client: Cache) -> None:
    """Shut down the sockets that a client waits for.

    They stay open: otherwise another connection could get the number of a socket that the thread
    still reads from. The driver has no method for that.
    """
    for pool in _pools_of(client):
        for connection in list(pool._in_use_connections):
            network = connection._sock
            if network is not None:
                with suppress(OSError):
                    # The method of a TLS socket would also take its TLS state from the thread.
                    socket.socket.shutdown(network, socket.SHUT_RDWR)


def _pools_of(client: Cache) -> list[Any]:
    if isinstance(client, RedisCluster):
        cluster: Any = client
        nodes = [node.redis_connection for node in cluster.get_nodes()]
        return [node.connection_pool for node in nodes if node is not None]
    pool: Any = client.connection_pool
    manager = getattr(pool, "sentinel_manager", None)
    sentinels = manager.sentinels if manager is not None else ()
    return [pool, *(sentinel.connection_pool for sentinel in sentinels)]
