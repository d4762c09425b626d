"""A TLS proxy on loopback for a server without TLS; it is stopped at the end of its block."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import trustme


@contextlib.contextmanager
def tls_front(port: int, folder: Path) -> Iterator[tuple[int, Path]]:
    """Give the port of the proxy for a server's port, and the certificate to trust."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    certificate = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(certificate))
    front = _Front(port, context)
    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(asyncio.run, front.serve())
        try:
            yield front.listening.result(timeout=10), certificate
        finally:
            front.stop()
            ended.result(timeout=10)


class _Front:
    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self.listening: Future[int] = Future()
        self._port = port
        self._context = context
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = asyncio.Event()
        self._sessions: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopped.set)

    async def serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(self._join, "127.0.0.1", 0, ssl=self._context)
        self.listening.set_result(server.sockets[0].getsockname()[1])
        await self._stopped.wait()
        server.close()
        for session in self._sessions:
            session.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = asyncio.current_task()
        assert session is not None
        self._sessions.add(session)
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            await asyncio.gather(_pass(reader, upstream_writer), _pass(upstream_reader, writer))
        finally:
            for each in (writer, upstream_writer):
                each.transport.abort()
            self._sessions.discard(session)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()
