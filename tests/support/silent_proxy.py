"""A TCP proxy before a server that a test can silence: nothing is closed, and nothing passes."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from threading import Event, Thread

_POLL_SECONDS = 0.05
_CHUNK = 65_536


class SilentProxy:
    """Forwards connections to a server until it is silenced."""

    def __init__(self, listener: socket.socket, host: str, port: int, stack: ExitStack) -> None:
        self.listener = listener
        self.host = host
        self.target_port = port
        self.stack = stack
        self.is_silent = Event()
        self.is_over = Event()

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def accept(self) -> None:
        while not self.is_over.is_set():
            with suppress(TimeoutError):
                client = self.stack.enter_context(self.listener.accept()[0])
                server = self.stack.enter_context(self._connected())
                for one, other in ((client, server), (server, client)):
                    Thread(target=self._forward, args=(one, other), daemon=True).start()

    def _connected(self) -> socket.socket:
        """Return a connection to the server: over its Unix socket if the host is a folder."""
        if not self.host.startswith("/"):
            return socket.create_connection((self.host, self.target_port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{self.host}/.s.PGSQL.{self.target_port}")
        return server

    def _forward(self, one: socket.socket, other: socket.socket) -> None:
        one.settimeout(_POLL_SECONDS)
        while not self.is_over.is_set():
            try:
                data = one.recv(_CHUNK)
            except TimeoutError:
                continue
            except OSError:
                break
            if self.is_silent.is_set():
                continue
            with suppress(OSError):
                if not data:
                    other.shutdown(socket.SHUT_WR)
                    break
                other.sendall(data)


@contextmanager
def silent_proxy(host: str, port: int) -> Iterator[SilentProxy]:
    """Give a proxy on loopback before a PostgreSQL server."""
    with ExitStack() as stack, socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(_POLL_SECONDS)
        proxy = SilentProxy(listener, host, port, stack)
        thread = Thread(target=proxy.accept, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.is_over.set()
            thread.join()
