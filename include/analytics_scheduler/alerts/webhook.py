"""One signed HTTP request to the webhook, within a few seconds, to an address that was judged.

Redirects are not followed, no proxy is used, and nothing of the URL but its host is ever shown:
its path may be a secret.
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

from analytics_scheduler.alerts.addresses import is_public, usable_addresses
from analytics_scheduler.errors import AlertNotSentError, NotConfiguredError

if TYPE_CHECKING:
    from analytics_scheduler.alerts.events import Message
    from analytics_scheduler.settings import AlertSettings

SIGNATURE_HEADER = "Scheduler-Signature"
EVENT_HEADER = "Scheduler-Event"
DELIVERY_HEADER = "Scheduler-Delivery"
DEADLINE_SECONDS = 5.0
_CONNECT_SECONDS = 2.0
_ACCEPTED = range(200, 300)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver said, and how long it took."""

    status: int
    milliseconds: float

    @property
    def is_accepted(self) -> bool:
        """Tell whether the alert arrived: any status from 200 to 299."""
        return self.status in _ACCEPTED

    def __str__(self) -> str:
        return f"status {self.status} after {self.milliseconds:.0f} ms"


def signature(secret: str, timestamp: int, body: str) -> str:
    """Return the signature header: `t`, seconds since 1970, and `v1`, HMAC-SHA256 of `t.body`."""
    signed = f"{timestamp}.{body}".encode()
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def webhook_host(settings: AlertSettings) -> str:
    """Return what may be shown of the webhook's URL."""
    return _parts(settings).hostname or "?"


def post(settings: AlertSettings, message: Message) -> Answer:
    """Send a message once, or raise AlertNotSentError in words for people.

    It returns or raises within `DEADLINE_SECONDS`, also where names are looked up without end or
    the receiver sends a byte now and then: the exchange has a thread of its own.
    """
    parts = _parts(settings)
    opened: SimpleQueue[socket.socket] = SimpleQueue()
    outcome: SimpleQueue[Answer | Exception] = SimpleQueue()

    def work() -> None:
        try:
            outcome.put(_exchange(settings, parts, message, opened))
        except (AlertNotSentError, HTTPException, OSError, ValueError) as error:
            outcome.put(error)

    threading.Thread(target=work, name="webhook", daemon=True).start()
    try:
        ended = outcome.get(timeout=DEADLINE_SECONDS)
    except Empty:
        _hang_up(opened)
        ended = TimeoutError()
    if isinstance(ended, Answer):
        return ended
    if isinstance(ended, AlertNotSentError):
        raise ended
    raise AlertNotSentError(f"The webhook's host {parts.hostname} {_failure(ended)}") from None


def _parts(settings: AlertSettings) -> SplitResult:
    if settings.url is None:
        raise NotConfiguredError(
            "SCHEDULER_WEBHOOK_URL is not set: allowed is a URL such as "
            "https://alerts.example.com/hooks/inventory."
        )
    return urlsplit(settings.url.reveal())


def _exchange(
    settings: AlertSettings,
    parts: SplitResult,
    message: Message,
    opened: SimpleQueue[socket.socket],
) -> Answer:
    begun = time.monotonic()
    connection = _connection(settings, parts)
    opened.put(connection.sock)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(
            "POST", target, body=message.body.encode(), headers=_headers(settings, message)
        )
        status = connection.getresponse().status
    finally:
        connection.close()
    return Answer(status, round((time.monotonic() - begun) * 1000, 1))


def _connection(settings: AlertSettings, parts: SplitResult) -> HTTPConnection:
    """Return a connection to the first address that answers, TLS made with the host's own name."""
    host = parts.hostname or ""
    is_tls = parts.scheme == "https"
    port = parts.port or (443 if is_tls else 80)
    addresses = usable_addresses(host, port, allow_private=settings.allow_private)
    if not is_tls and any(is_public(address) for address in addresses):
        raise AlertNotSentError(f"The webhook's host {host} is public: its URL must be https.")
    plain = _first_connected(addresses, port)
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


def _first_connected(addresses: list[str], port: int) -> socket.socket:
    failure: OSError = TimeoutError()
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout=_CONNECT_SECONDS)
        except OSError as error:
            failure = error
    raise failure


def _headers(settings: AlertSettings, message: Message) -> dict[str, str]:
    secret = settings.signing_secret.reveal() if settings.signing_secret else ""
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "analytics-scheduler",
        SIGNATURE_HEADER: signature(secret, int(time.time()), message.body),
        EVENT_HEADER: message.event,
        DELIVERY_HEADER: str(message.id),
    }


def _hang_up(opened: SimpleQueue[socket.socket]) -> None:
    with suppress(Empty, OSError):
        opened.get_nowait().shutdown(socket.SHUT_RDWR)


def _failure(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"did not answer within {DEADLINE_SECONDS:.0f} seconds."
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"has a certificate that is not accepted: {error.verify_message}."
    if isinstance(error, OSError):
        return f"cannot be reached: {error.strerror or type(error).__name__}."
    # The words of other errors may quote the URL, or what the receiver sent.
    return f"did not answer as a web server does ({type(error).__name__})."
