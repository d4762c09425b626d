"""One request to the webhook: signed, short, and only to an allowed address."""

from __future__ import annotations

import datetime as dt
import json
import logging
import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.support.webhook_receiver import (
    SECRET,
    WebhookReceiver,
    documented_check,
    dripping_server,
    webhook_receiver,
)

from analytics_scheduler.alerts import webhook
from analytics_scheduler.alerts.addresses import is_public
from analytics_scheduler.alerts.message import Message
from analytics_scheduler.alerts.webhook import post, signature
from analytics_scheduler.cli import main
from analytics_scheduler.errors import AlertNotSentError
from analytics_scheduler.local.processes import free_port
from analytics_scheduler.settings import AlertSettings
from analytics_scheduler.vocabulary import AlertEvent


def settings(url: str, **more: str) -> AlertSettings:
    environ = {
        "SCHEDULER_WEBHOOK_URL": url,
        "SCHEDULER_WEBHOOK_SECRET": SECRET,
        "SCHEDULER_WEBHOOK_ALLOW_PRIVATE": "true",
    }
    return AlertSettings.load(environ | more)


def message() -> Message:
    new_id = uuid4()
    body = {"id": str(new_id), "event": "test", "task": None, "message": "Grüße, 100 %"}
    return Message(new_id, AlertEvent.TEST, json.dumps(body, ensure_ascii=False))


def test_signature_matches_openssl() -> None:
    """`printf '1774238400.{"a": 1}' | openssl dgst -sha256 -hmac 'sixteen letters!'`."""
    assert signature("sixteen letters!", 1_774_238_400, '{"a": 1}') == (
        "t=1774238400,v1=a1a219f43590b58f2e3c5df9e75b1557f17183058ccb7bdcdc5336377adcaa70"
    )


def test_documented_check_of_signatures() -> None:
    is_genuine = documented_check()
    now = int(time.time())
    assert is_genuine(SECRET, signature(SECRET, now, "{}"), b"{}")
    assert not is_genuine(SECRET, signature(SECRET, now, "{}"), b"{ }")
    assert not is_genuine("another secret", signature(SECRET, now, "{}"), b"{}")
    assert not is_genuine(SECRET, signature(SECRET, now - 600, "{}"), b"{}")


def test_post_sends_the_whole_message_signed(receiver: WebhookReceiver) -> None:
    sent = message()
    answer = post(settings(receiver.url), sent)
    assert (answer.status, answer.is_accepted) == (204, True)
    assert receiver.accepted == [json.loads(sent.body)]
    assert receiver.paths == ["/hooks/t0ken-in-the-path?key=t0ken-in-the-query"]
    assert (receiver.hosts, receiver.forged) == ([f"127.0.0.1:{receiver.port}"], 0)


def test_post_with_another_secret_is_refused(receiver: WebhookReceiver) -> None:
    wrong = settings(receiver.url, SCHEDULER_WEBHOOK_SECRET="some other secret")
    assert post(wrong, message()).status == 401
    assert (receiver.forged, receiver.accepted) == (1, [])


@pytest.mark.parametrize("status", [500, 404, 301, 302, 307, 308])
def test_post_follows_no_redirects(receiver: WebhookReceiver, status: int) -> None:
    with webhook_receiver() as elsewhere:
        receiver.statuses = [status]
        receiver.headers = {"Location": elsewhere.url}
        answer = post(settings(receiver.url), message())
        assert (answer.status, answer.is_accepted) == (status, False)
        assert elsewhere.paths == []


def test_post_stops_at_the_deadline(
    receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "DEADLINE_SECONDS", 0.5)
    receiver.pause_seconds = 60
    with pytest.raises(AlertNotSentError, match="did not answer within"):
        post(settings(receiver.url), message())


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\nX-Endless: "])
def test_endless_answer_leaves_no_thread(first: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "DEADLINE_SECONDS", 0.7)
    with dripping_server(first) as port:
        with pytest.raises(AlertNotSentError, match=r"127\.0\.0\.1 did not answer within"):
            post(settings(f"http://127.0.0.1:{port}/"), message())
        for thread in threading.enumerate():
            if thread.name == "webhook":
                thread.join(timeout=10)
                assert not thread.is_alive()


def test_invalid_answer_is_not_quoted(receiver: WebhookReceiver) -> None:
    receiver.raw_answer = b"t0ken and other garbage\r\n\r\n"
    with pytest.raises(AlertNotSentError) as caught:
        post(settings(receiver.url), message())
    assert str(caught.value) == (
        "The webhook's host 127.0.0.1 did not send a valid HTTP response (BadStatusLine)."
    )


def test_unreachable_receiver_shows_the_host_only() -> None:
    with pytest.raises(AlertNotSentError) as caught:
        post(settings(f"http://127.0.0.1:{free_port()}/t0ken"), message())
    assert str(caught.value) == (
        "The webhook's host 127.0.0.1 cannot be reached: Connection refused."
    )
    with pytest.raises(AlertNotSentError, match=r"nowhere\.invalid cannot be looked up"):
        post(settings("https://nowhere.invalid/t0ken"), message())


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.0.1",
        "169.254.169.254", "100.64.0.1", "0.1.2.3", "255.255.255.255", "224.0.0.1",
        "::1", "::", "fe80::1", "fe80::1%lo", "fc00::1", "fd12:3456::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:c0a8:1::1",
    ],
)  # fmt: skip
def test_is_public_rejects_private_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "172.32.0.1", "2606:2800:220:1::1", "::ffff:93.184.216.34"]
)
def test_is_public_accepts_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]"])
def test_post_to_a_private_address_is_refused(host: str, receiver: WebhookReceiver) -> None:
    forbidden = settings(
        f"https://{host}:{receiver.port}/", SCHEDULER_WEBHOOK_ALLOW_PRIVATE="false"
    )
    with pytest.raises(AlertNotSentError, match="SCHEDULER_WEBHOOK_ALLOW_PRIVATE=true"):
        post(forbidden, message())
    assert receiver.paths == []


def test_post_connects_to_the_checked_address(
    receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that gives another address the second time changes nothing."""
    asked: list[str] = []
    connected: list[Any] = []

    def look_up(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        address = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def connect_here(address: Any, timeout: float) -> socket.socket:
        connected.append(address)
        here = socket.socket()
        here.settimeout(timeout)
        here.connect(("127.0.0.1", receiver.port))
        return here

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "create_connection", connect_here)
    changing = settings("https://changing.example/", SCHEDULER_WEBHOOK_ALLOW_PRIVATE="false")
    with pytest.raises(AlertNotSentError, match="cannot be reached"):  # the receiver has no TLS
        post(changing, message())
    assert asked == ["changing.example"]
    assert connected == [("93.184.216.34", 443)]


def test_post_to_a_public_host_needs_https(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 80))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [entry])
    with pytest.raises(AlertNotSentError, match="its URL must be https"):
        post(settings("http://alerts.example/"), message())


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Give a self-signed certificate of localhost, with its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "localhost.pem"
    file.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


def test_certificate_must_name_the_host(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with webhook_receiver(context) as receiver:
        by_name = settings(f"https://localhost:{receiver.port}/hook")
        by_number = settings(f"https://127.0.0.1:{receiver.port}/hook")
        with pytest.raises(AlertNotSentError, match="certificate that is not accepted"):
            post(by_name, message())
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert post(by_name, message()).status == 204
        assert receiver.hosts == [f"localhost:{receiver.port}"]
        with pytest.raises(AlertNotSentError, match="certificate that is not accepted"):
            post(by_number, message())
        assert len(receiver.accepted) == 1


def test_webhook_test_shows_the_answer(
    receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in receiver.environ().items():
        monkeypatch.setenv(name, value)
    assert main(["webhook-test"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("The test event arrived at 127.0.0.1: status 204 after ")

    assert main(["webhook-test", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["success"], result["status"], result["host"]) == (True, 204, "127.0.0.1")
    assert 0 < result["milliseconds"] < 5000
    assert receiver.events == [("test", None)] * 2


def test_webhook_test_error_shows_no_secret(
    receiver: WebhookReceiver,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    for name, value in receiver.environ().items():
        monkeypatch.setenv(name, value)
    receiver.statuses = [410]
    with caplog.at_level(logging.DEBUG):
        assert main(["webhook-test"]) == 1
        refused = capsys.readouterr()
        monkeypatch.setenv("SCHEDULER_WEBHOOK_ALLOW_PRIVATE", "false")
        assert main(["webhook-test", "--json"]) == 1
    forbidden = capsys.readouterr()
    assert "answered with status 410 after" in refused.err
    assert json.loads(forbidden.out)["success"] is False
    assert "is not public" in json.loads(forbidden.out)["error"]
    everything = refused.out + refused.err + forbidden.out + forbidden.err + caplog.text
    assert "t0ken" not in everything
    assert SECRET not in everything


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SCHEDULER_WEBHOOK_URL", "ftp://t0ken.example/"),
        ("SCHEDULER_WEBHOOK_URL", "https://user:t0ken@alerts.example/"),
        ("SCHEDULER_WEBHOOK_URL", "https:///t0ken"),
        ("SCHEDULER_WEBHOOK_URL", "https://alerts.example/t0ken here"),
        ("SCHEDULER_WEBHOOK_URL", "https://alerts.example:t0ken/"),
        ("SCHEDULER_WEBHOOK_URL", "https://[t0ken/"),
        ("SCHEDULER_WEBHOOK_SECRET", "t0ken"),
        ("SCHEDULER_WEBHOOK_SECRET", ""),
        ("SCHEDULER_WEBHOOK_EVENTS", "success,everything"),
        ("SCHEDULER_WEBHOOK_EVENTS", ","),
        ("SCHEDULER_WEBHOOK_URL", ""),
    ],
)
def test_invalid_setting_is_named_without_its_value(
    name: str,
    value: str,
    receiver: WebhookReceiver,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for variable, good in receiver.environ().items():
        monkeypatch.setenv(variable, good)
    monkeypatch.setenv(name, value)
    assert main(["webhook-test"]) == 1
    error = capsys.readouterr().err
    assert name in error
    assert "must be" in error or "is not set" in error
    assert "t0ken" not in error
    assert receiver.paths == []
