"""A webhook receiver on loopback that checks each signature with the documented function."""

from __future__ import annotations

import json
import re
import runpy
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MONITORING_PAGE = Path(__file__).parents[2] / "include" / "docs" / "monitoring.md"
SECRET = "a secret that only tests know"


def code_with(word: str, page: Path) -> str:
    """Return the one block of Python on a page that contains a word."""
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    [found] = [block for block in blocks if word in block]
    return str(found)


def documented_check() -> Callable[[str, str, bytes], bool]:
    """Return the function that the documentation gives to receivers."""
    block = code_with("def is_genuine", MONITORING_PAGE)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "receiver.py")
        file.write_text(block)
        check: Callable[[str, str, bytes], bool] = runpy.run_path(str(file))["is_genuine"]
        return check


@dataclass
class WebhookReceiver:
    """What the receiver got, and how it answers.

    It answers with `statuses` in turn, and repeats the last one. `accepted` and `refused` are the
    bodies that it answered with a status from 200 to 299, and with another one.
    """

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
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks/t0ken-in-the-path?key=t0ken-in-the-query"

    @property
    def events(self) -> list[tuple[str, str | None]]:
        """The event and the task of each accepted body."""
        return [(body["event"], body["task"]) for body in self.accepted]

    def environ(self, **more: str) -> dict[str, str]:
        return {
            "SCHEDULER_WEBHOOK_URL": self.url,
            "SCHEDULER_WEBHOOK_SECRET": SECRET,
            "SCHEDULER_WEBHOOK_ALLOW_PRIVATE": "true",
            **more,
        }


@contextmanager
def webhook_receiver(
    tls: ssl.SSLContext | None = None, *, port: int = 0
) -> Iterator[WebhookReceiver]:
    """Give a running receiver, which stops when the block ends."""
    receiver = WebhookReceiver()
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(receiver))
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(receiver: WebhookReceiver) -> type[BaseHTTPRequestHandler]:
    is_genuine = documented_check()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            body = json.loads(content)
            receiver.paths.append(self.path)
            receiver.hosts.append(self.headers["Host"])
            if not is_genuine(SECRET, self.headers["Scheduler-Signature"], content):
                receiver.forged += 1
                self._answer(401)
                return
            assert self.headers["Scheduler-Event"] == body["event"]
            assert self.headers["Scheduler-Delivery"] == body["id"]
            receiver.stopping.wait(receiver.pause_seconds)
            if receiver.raw_answer is not None:
                self.wfile.write(receiver.raw_answer)
                return
            status = receiver.statuses[0]
            if len(receiver.statuses) > 1:
                receiver.statuses.pop(0)
            (receiver.accepted if 200 <= status < 300 else receiver.refused).append(body)
            self._answer(status)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Do not log."""

    return Handler


@contextmanager
def dripping_server(first: bytes) -> Iterator[int]:
    """Give the port of a server that answers with one byte at a time and never finishes."""
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
