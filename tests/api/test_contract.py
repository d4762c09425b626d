"""The contract of the endpoints, on both surfaces and with both auth managers."""

from __future__ import annotations

import json
import socket
import urllib.parse

import jwt
import pytest
from tests.support.api_client import Client

from analytics_scheduler.api.endpoints import ENDPOINTS
from analytics_scheduler.api.routing import Endpoint
from analytics_scheduler.vocabulary import PeriodType

TASKS = ["daily-snapshot", "weekly-snapshot", "monthly-snapshot", "cache-cleanup"]


def test_list_tasks_documented_then_own(client: Client) -> None:
    answer = client.get("/tasks")

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "success": True,
        "data": {"tasks": [*TASKS, "business-hour-snapshot"]},
    }


def test_list_tasks_without_paused(client: Client) -> None:
    client.metadata("UPDATE dag SET is_paused = 1 WHERE dag_id = 'weekly-snapshot'")

    assert client.get("/tasks").json()["data"]["tasks"] == [
        "daily-snapshot",
        "monthly-snapshot",
        "cache-cleanup",
        "business-hour-snapshot",
    ]


@pytest.mark.parametrize("period_type", PeriodType.words())
def test_trigger_starts_a_run_of_the_user(client: Client, period_type: str) -> None:
    answer = client.post(f"/trigger/{period_type}")

    assert answer.status == 200
    assert answer.json() == {
        "success": True,
        "message": f"{period_type} snapshot triggered successfully",
    }
    ((dag_id, state, run_type, user, conf),) = client.metadata(
        "SELECT dag_id, state, run_type, triggering_user_name, conf FROM dag_run"
    )
    assert (dag_id, state, run_type, user) == (
        f"{period_type}-snapshot",
        "queued",
        "manual",
        "admin",
    )
    assert json.loads(conf) == {}


def test_trigger_location_is_the_run(client: Client) -> None:
    location = client.post("/trigger/daily").headers["location"]

    run = client.airflow.request("GET", location, token=client.admin)

    assert run.status == 200
    assert run.json()["dag_id"] == "daily-snapshot"
    assert run.json()["triggering_user_name"] == "admin"


def test_trigger_passes_the_date_on(client: Client) -> None:
    assert client.post("/trigger/weekly?date=2026-11-04").status == 200

    ((conf,),) = client.metadata("SELECT conf FROM dag_run")
    assert json.loads(conf) == {"date": "2026-11-04"}


@pytest.mark.parametrize(
    "name",
    [
        "Daily",
        "DAILY",
        "hourly",
        "daily%20",
        "%20daily",
        "daily%00",
        "daily/",
        "daily/../weekly",
        "..%2Fdaily",
        "%2e%2e",
        "d%C3%A4ily",
        "%FF%FE",
        "x" * 3000,
        "",
    ],
)
def test_trigger_refuses_another_type(either_surface: Client, name: str) -> None:
    answer = either_surface.post(f"/trigger/{name}")

    assert answer.status == 400
    assert answer.json() == {"success": False, "error": "Invalid snapshot type"}
    assert either_surface.metadata("SELECT count(*) FROM dag_run") == [(0,)]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("date=2999-01-01", "is in the future"),
        ("date=2026-02-30", "does not exist"),
        ("date=", "must have the form"),
        ("date=yesterday", "must have the form"),
        ("date=%FF", "must have the form"),
        ("date=1969-12-31", "too early"),
        ("date=" + "9" * 5000, "must have the form"),
        ("date=2026-11-01&date=2026-11-02", "only once"),
        ("dat=2026-11-01", "Unknown parameter 'dat'"),
        ("&".join(f"p{n}=1" for n in range(100)), "Unknown parameter"),
    ],
)
def test_trigger_refuses_a_bad_date(either_surface: Client, query: str, message: str) -> None:
    answer = either_surface.post(f"/trigger/daily?{query}")

    assert answer.status == 400
    assert answer.json()["success"] is False
    assert message in answer.json()["error"]
    assert either_surface.metadata("SELECT count(*) FROM dag_run") == [(0,)]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("is_paused", "The DAG daily-snapshot is paused"),
        ("has_import_errors", "The DAG daily-snapshot is broken"),
        ("is_stale", "The DAG daily-snapshot is unknown"),
    ],
)
def test_trigger_conflict_when_dag_cannot_run(
    either_surface: Client, column: str, message: str
) -> None:
    either_surface.metadata(f"UPDATE dag SET {column} = 1 WHERE dag_id = 'daily-snapshot'")

    answer = either_surface.post("/trigger/daily")

    assert answer.status == 409
    assert message in answer.json()["error"]
    assert either_surface.metadata("SELECT count(*) FROM dag_run") == [(0,)]


def test_trigger_conflict_names_the_queued_run(client: Client) -> None:
    client.post("/trigger/daily")
    ((waiting,),) = client.metadata("SELECT run_id FROM dag_run")

    answer = client.post("/trigger/daily")

    assert answer.status == 409
    assert waiting in answer.json()["error"]


def test_trigger_queues_one_behind_a_running(either_surface: Client) -> None:
    either_surface.post("/trigger/daily")
    either_surface.metadata("UPDATE dag_run SET state = 'running'")

    assert [either_surface.post("/trigger/daily").status for _ in range(3)] == [200, 409, 409]


def test_trigger_ignores_runs_of_a_backfill(either_surface: Client) -> None:
    either_surface.post("/trigger/daily")
    either_surface.metadata("UPDATE dag_run SET run_type = 'backfill'")

    assert either_surface.post("/trigger/daily").status == 200


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: f"{each.method} {each.path}")
def test_endpoints_refuse_all_but_admins(client: Client, endpoint: Endpoint) -> None:
    path = endpoint.path.replace("{type}", "daily").replace("{name}", "daily-snapshot")

    strangers = client.request(endpoint.method, path, token=None)
    viewers = client.request(endpoint.method, path, token=client.viewer)

    assert (strangers.status, viewers.status) == (401, 403)
    for answer in (strangers, viewers):
        assert answer.json()["success"] is False
        assert set(answer.json()) == {"success", "error"}
    assert strangers.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer x.y.z",
        "Bearer a b",
        "Basic YWRtaW46YWRtaW4=",
        "Bearer \u00e4\u00f6\u00fc",
        "Bearer " + "x" * 20000,
        "",
    ],
    ids=range(8),
)
def test_malformed_token_is_unauthorized(either_surface: Client, header: str) -> None:
    answer = either_surface.get("/tasks", token=None, headers={"Authorization": header})

    assert answer.status == 401
    assert answer.json()["success"] is False


def resigned(token: str, *, secret: str = "j" * 64, **claims: object) -> str:
    """Return a token with some claims changed, signed by whoever knows the secret."""
    algorithm = jwt.get_unverified_header(token)["alg"]
    payload = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode({**payload, **claims}, secret, algorithm=algorithm)


def test_expired_or_foreign_token_is_unauthorized(client: Client) -> None:
    same = resigned(client.admin, jti="another")
    expired = resigned(client.admin, exp=1_700_000_000)
    foreign = resigned(client.admin, secret="k" * 64)
    elsewhere = resigned(client.admin, aud="another-service")
    unsigned = jwt.encode(
        jwt.decode(client.admin, options={"verify_signature": False}), "", algorithm="none"
    )
    nobody = resigned(client.admin, sub=None)

    statuses = [
        client.get("/tasks", token=token).status
        for token in (same, expired, foreign, elsewhere, unsigned, nobody)
    ]

    assert statuses == [200, 401, 401, 401, 401, 401]


def test_revoked_token_is_unauthorized(client: Client) -> None:
    token = client.airflow.token_of("admin")
    assert client.get("/tasks", token=token).status == 200

    client.airflow.request("GET", "/api/v2/auth/logout", token=token)

    assert client.get("/tasks", token=token).status == 401


def test_cookie_works_but_bearer_token_wins(client: Client) -> None:
    cookie = {"Cookie": f"_token={client.admin}"}

    assert client.get("/tasks", token=None, headers=cookie).status == 200
    assert client.get("/tasks", token=client.viewer, headers=cookie).status == 403


def test_cookie_refused_from_another_site(client: Client) -> None:
    cookie = {"Cookie": f"_token={client.admin}"}

    elsewhere = client.post(
        "/trigger/daily", token=None, headers={**cookie, "Sec-Fetch-Site": "cross-site"}
    )
    own_page = client.post(
        "/trigger/daily", token=None, headers={**cookie, "Sec-Fetch-Site": "same-origin"}
    )

    assert (elsewhere.status, own_page.status) == (403, 200)


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [
        ("GET", "/nothing", 404, None),
        ("GET", "//tasks", 404, None),
        ("GET", "/tasks%2F..%2Fstatus", 405, "PATCH"),
        ("GET", "/", 404, None),
        ("DELETE", "/tasks", 405, "GET"),
        ("POST", "/status", 405, "GET"),
        ("GET", "/trigger/daily", 405, "POST"),
        ("PUT", "/tasks/daily-snapshot", 405, "PATCH"),
    ],
)
def test_wrong_path_or_method(
    either_surface: Client, method: str, path: str, status: int, allowed: str | None
) -> None:
    answer = either_surface.request(method, path)

    assert answer.status == status
    assert set(answer.json()) == {"success", "error"}
    assert answer.headers.get("allow") == allowed


def test_long_body_is_refused(either_surface: Client) -> None:
    answer = either_surface.patch(
        "/tasks/daily-snapshot", b'{"schedule": "' + b"x" * 100_000 + b'"}'
    )

    assert answer.status == 413
    assert set(answer.json()) == {"success", "error"}


def test_trigger_refuses_a_body(either_surface: Client) -> None:
    body = urllib.parse.urlencode({"date": "2026-11-04"}).encode()

    assert either_surface.post("/trigger/daily", body=body).status == 400
    assert either_surface.post("/trigger/daily", body=b"{}").status == 200


def test_audit_log_has_every_trigger(client: Client) -> None:
    client.post("/trigger/daily?date=2026-11-04")
    client.post("/trigger/daily")
    client.post("/trigger/yearly")
    client.post("/trigger/daily", token=client.viewer)
    client.post("/trigger/daily", token=None)
    ((run_id,),) = client.metadata("SELECT run_id FROM dag_run")

    answer = client.airflow.request(
        "GET", "/api/v2/eventLogs?event=scheduler.trigger&order_by=id", token=client.admin
    )

    entries = answer.json()["event_logs"]
    extras = [json.loads(entry["extra"]) for entry in entries]
    assert [entry["owner"] for entry in entries] == ["admin"] * 3 + ["viewer", "anonymous"]
    assert [entry["dag_id"] for entry in entries] == [
        "daily-snapshot",
        "daily-snapshot",
        None,
        "daily-snapshot",
        "daily-snapshot",
    ]
    assert entries[0]["run_id"] == run_id
    assert extras[0] == {
        "action": "trigger",
        "type": "daily",
        "date": "2026-11-04",
        "outcome": "allowed",
        "run": run_id,
    }
    assert [extra["type"] for extra in extras] == ["daily", "daily", "yearly", "daily", "daily"]
    assert [extra.get("status") for extra in extras] == [None, 409, 400, 403, 401]


def test_audit_log_limits_anonymous_entries(either_surface: Client) -> None:
    for _ in range(70):
        either_surface.post("/trigger/daily", token=None)

    assert either_surface.metadata("SELECT count(*) FROM log WHERE owner = 'anonymous'") == [(60,)]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/tasks", "/tasks/", "/trigger/daily", "/docs/x"]
)
def test_strangers_learn_no_paths(either_surface: Client, method: str, path: str) -> None:
    """Every path and method below the mount asks for a token first, whether it exists or not."""
    strangers = either_surface.request(method, path, token=None)
    viewers = either_surface.request(method, path, token=either_surface.viewer)

    assert (strangers.status, viewers.status) == (401, 403)
    assert set(strangers.json()) == {"success", "error"}


@pytest.mark.parametrize(
    ("start", "header"),
    [
        (b"GET /tasks?x=\xff HTTP/1.1", b"Accept: \xff\xfe"),
        (b"POST /trigger/\xc3\x28 HTTP/1.1", b"Content-Type: \xff"),
        (b"GET /tasks HTTP/1.1", b"Authorization: Bearer \xff\xfe"),
        (b"GET /tasks HTTP/1.1", b"Cookie: _token=\xff; \xfe"),
    ],
)
def test_bytes_that_are_not_text(either_surface: Client, start: bytes, header: bytes) -> None:
    address = urllib.parse.urlsplit(either_surface.airflow.url)
    method, target = start.split(b" ", 1)
    lines = [method + b" " + either_surface.mount.encode() + target, b"Host: localhost", header]
    with socket.create_connection((address.hostname, address.port or 80), timeout=20) as sent:
        sent.sendall(b"\r\n".join([*lines, b"Connection: close", b"", b""]))
        answer = b"".join(iter(lambda: sent.recv(65536), b""))

    head, _, body = answer.partition(b"\r\n\r\n")
    assert int(head.split(b" ")[1]) in {400, 401}
    assert b"Traceback" not in body
    if head.split(b" ")[1] == b"401":
        assert set(json.loads(body)) == {"success", "error"}
