"""One signed HTTP request to the webhook, within a few seconds, to an address that was checked.

Redirects are not followed and proxies are not used. Messages and logs show the host of the URL
only: the path may be a secret.
"""

from __future__ import annotations

import hashlib
import hmac
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from analytics_scheduler.alerts.addresses import allowed_addresses, is_public
from analytics_scheduler.errors import AlertNotSentError, NotConfiguredError

if TYPE_CHECKING:
    from analytics_scheduler.alerts.message import Message
    from analytics_scheduler.settings import AlertSettings

SIGNATURE_HEADER = "Scheduler-Signature"
EVENT_HEADER = "Scheduler-Event"
DELIVERY_HEADER = "Scheduler-Delivery"
DEADLINE_SECONDS = 5.0
_CONNECT_SECONDS = 2.0
_ACCEPTED = range(200, 300)


@dataclass(frozen=True, slots=True)
class Response:
    """The status that the receiver answered with, and the time that the request took."""

    status: int
    milliseconds: float

    @property
    def is_accepted(self) -> bool:
        """Whether the receiver took the alert: any status from 200 to 299."""
        return self.status in _ACCEPTED

    def __str__(self) -> str:
        return f"status {self.status} after {self.milliseconds:.0f} ms"


def signature(secret: str, timestamp: int, body: str) -> str:
    """Return the signature header: `t`, seconds since 1970, and `v1`, HMAC-SHA256 of `t.body`."""
    signed = f"{timestamp}.{body}".encode()
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def webhook_host(settings: AlertSettings) -> str:
    """Return the host of the webhook's URL, the only part that may be shown."""
    return _url_parts(settings).hostname or "?"


def post(settings: AlertSettings, message: Message) -> Response:
    """Send a message once, or raise AlertNotSentError.

    The request has a thread of its own, so that this returns or raises within `DEADLINE_SECONDS`
    even if the name server never answers, or the receiver sends one byte at a time.
    """
    parts = _url_parts(settings)
    sockets: SimpleQueue[socket.socket] = SimpleQueue()
    results: SimpleQueue[Response | Exception] = SimpleQueue()

    def work() -> None:
        try:
            results.put(_request(settings, parts, message, sockets))
        except (AlertNotSentError, HTTPException, OSError, ValueError) as error:
            results.put(error)

    threading.Thread(target=work, name="webhook", daemon=True).start()
    try:
        result = results.get(timeout=DEADLINE_SECONDS)
    except Empty:
        _shut_down(sockets)
        result = TimeoutError()
    if isinstance(result, Response):
        return result
    if isinstance(result, AlertNotSentError):
        raise result
    raise AlertNotSentError(f"The webhook's host {parts.hostname} {_reason(result)}") from None


def _url_parts(settings: AlertSettings) -> SplitResult:
    if settings.url is None:
        raise NotConfiguredError(
            "SCHEDULER_WEBHOOK_URL is not set. Set it to the address that alerts are sent to, such "
            "as https://alerts.example.com/hooks/inventory."
        )
    return urlsplit(settings.url.reveal())


def _request(
    settings: AlertSettings,
    parts: SplitResult,
    message: Message,
    sockets: SimpleQueue[socket.socket],
) -> Response:
    started = time.monotonic()
    connection = _connect(settings, parts)
    sockets.put(connection.sock)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(
            "POST", target, body=message.body.encode(), headers=_headers(settings, message)
        )
        status = connection.getresponse().status
    finally:
        connection.close()
    return Response(status, round((time.monotonic() - started) * 1000, 1))


def _connect(settings: AlertSettings, parts: SplitResult) -> HTTPConnection:
    """Connect to the first address that answers; the TLS certificate must name the host."""
    host = parts.hostname or ""
    is_tls = parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    addresses = allowed_addresses(host, port, allow_private=settings.allow_private)
    if not is_tls and any(is_public(address) for address in addresses):
        raise AlertNotSentError(
            f"The webhook's host {host} has a public address: its URL must be https."
        )
    plain = _connect_first(addresses, port)
    plain.settimeout(DEADLINE_SECONDS)
    connection = HTTPSConnection(host, port) if is_tls else HTTPConnection(host, port)
    try:
        connection.sock = (
            ssl.create_default_context().wrap_socket(plain, server_hostname=host)
            if is_tls
            else plain
        )
    except BaseException:
        plain.close()
        raise
    return connection


def _connect_first(addresses: list[str], port: int) -> socket.socket:
    last_error: OSError = TimeoutError()
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout=_CONNECT_SECONDS)
        except OSError as error:
            last_error = error
    raise last_error


def _headers(settings: AlertSettings, message: Message) -> dict[str, str]:
    secret = settings.signing_secret.reveal() if settings.signing_secret else ""
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "analytics-scheduler",
        SIGNATURE_HEADER: signature(secret, int(time.time()), message.body),
        EVENT_HEADER: message.event,
        DELIVERY_HEADER: str(message.id),
    }


def _shut_down(sockets: SimpleQueue[socket.socket]) -> None:
    """Shut down the socket of the request, if it has one, so that its thread ends."""
    with suppress(Empty, OSError):
        sockets.get_nowait().shutdown(socket.SHUT_RDWR)


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"did not answer within {DEADLINE_SECONDS:.0f} seconds."
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"has a certificate that is not accepted: {error.verify_message}."
    if isinstance(error, OSError):
        return f"cannot be reached: {error.strerror or type(error).__name__}."
    # The text of other errors may quote the URL, or what the receiver sent.
    return f"did not send a valid HTTP response ({type(error).__name__})."
