"""Servers and proxies on loopback that do not behave as a client would like."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_CHUNK = 65_536


@contextmanager
def unhelpful_server(answer: bytes) -> Iterator[int]:
    """Give the port of a server that sends a byte of `answer` every tenth of a second, endlessly.

    Without an answer it hangs.
    """

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                while not is_over.wait(0.1):
                    self.request.sendall(answer)

    is_over = threading.Event()
    with _serving(Handler) as port:
        try:
            yield port
        finally:
            is_over.set()


@contextmanager
def losing_proxy(port: int, command: bytes) -> Iterator[int]:
    """Give the port of a proxy before a server on loopback that loses one answer.

    It is the first answer to something that contains `command`: the server gets the command, and
    the client a closed connection.
    """

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", port)) as target, suppress(OSError):
                while data := self.request.recv(_CHUNK):
                    target.sendall(data)
                    answer = target.recv(_CHUNK)
                    if command in data and not is_lost.is_set():
                        is_lost.set()
                        return
                    self.request.sendall(answer)

    is_lost = threading.Event()
    with _serving(Handler) as proxy_port:
        yield proxy_port
    assert is_lost.is_set()


@contextmanager
def _serving(handler: type[socketserver.BaseRequestHandler]) -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()
