"""A receiver of alerts on loopback: it checks every signature with the documented function."""

from __future__ import annotations

import json
import re
import runpy
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MONITORING_PAGE = Path(__file__).parents[2] / "include" / "docs" / "monitoring.md"
SECRET = "a secret that only tests know"


def code_with(word: str, page: Path) -> str:
    """Return the block of Python on a page that holds a word."""
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    (found,) = [block for block in blocks if word in block]
    return str(found)


def documented_check() -> Any:
    """Return the function that the documentation gives to receivers."""
    block = code_with("def is_genuine", MONITORING_PAGE)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "receiver.py")
        file.write_text(block)
        return runpy.run_path(str(file))["is_genuine"]


@dataclass
class Received:
    """What a receiver got, and how it answers: with statuses in turn, the last one for good."""

    port: int = 0
    statuses: list[int] = field(default_factory=lambda: [204])
    headers: dict[str, str] = field(default_factory=dict)
    pause_seconds: float = 0.0
    raw_answer: bytes | None = None
    accepted: list[dict[str, Any]] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    forged: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks/t0ken-in-the-path?key=t0ken-in-the-query"

    @property
    def events(self) -> list[tuple[str, str | None]]:
        return [(body["event"], body["task"]) for body in self.accepted]

    def environ(self, **more: str) -> dict[str, str]:
        return {
            "SCHEDULER_WEBHOOK_URL": self.url,
            "SCHEDULER_WEBHOOK_SECRET": SECRET,
            "SCHEDULER_WEBHOOK_ALLOW_PRIVATE": "true",
            **more,
        }


@contextmanager
def webhook_receiver(tls: ssl.SSLContext | None = None, *, port: int = 0) -> Iterator[Received]:
    """Give a running receiver; it is gone when the block ends."""
    received = Received()
    is_genuine = documented_check()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            body = json.loads(content)
            received.paths.append(self.path)
            received.hosts.append(self.headers["Host"])
            if not is_genuine(SECRET, self.headers["Scheduler-Signature"], content):
                received.forged += 1
                self._answer(401)
                return
            assert self.headers["Scheduler-Event"] == body["event"]
            assert self.headers["Scheduler-Delivery"] == body["id"]
            received.released.wait(received.pause_seconds)
            if received.raw_answer is not None:
                self.wfile.write(received.raw_answer)
                return
            status = received.statuses[0]
            if len(received.statuses) > 1:
                received.statuses.pop(0)
            (received.accepted if 200 <= status < 300 else received.refused).append(body)
            self._answer(status)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            for name, value in received.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    received.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield received
    finally:
        received.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def dripping_server(first: bytes) -> Iterator[int]:
    """Give the port of a server that answers with a byte now and then, and never ends."""
    stopped = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)

        def drip() -> None:
            while not stopped.is_set():
                try:
                    client, _ = server.accept()
                except TimeoutError:
                    continue
                with client:
                    try:
                        client.sendall(first)
                        while not stopped.wait(0.2):
                            client.sendall(b"x")
                    except OSError:
                        continue

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            stopped.set()
            thread.join()


def wait_until(is_true: Any, seconds: float = 10.0) -> None:
    """Wait for something that comes about in another thread."""
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)
