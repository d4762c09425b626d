"""The documented endpoints, on both surfaces and with both auth managers."""

from __future__ import annotations

import json
import socket
import urllib.parse

import jwt
import pytest
from tests.api.conftest import Client

from analytics_scheduler.api.routes import ROUTES

TASKS = ["daily-snapshot", "weekly-snapshot", "monthly-snapshot", "cache-cleanup"]


def test_tasks_are_the_documented_ones_then_the_users_own(client: Client) -> None:
    answer = client.get("/tasks")

    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "success": True,
        "data": {"tasks": [*TASKS, "business-hour-snapshot"]},
    }


def test_a_paused_task_is_not_listed(client: Client) -> None:
    client.metadata("UPDATE dag SET is_paused = 1 WHERE dag_id = 'weekly-snapshot'")

    assert client.get("/tasks").json()["data"]["tasks"] == [
        "daily-snapshot",
        "monthly-snapshot",
        "cache-cleanup",
        "business-hour-snapshot",
    ]


@pytest.mark.parametrize("kind", ["daily", "weekly", "monthly"])
def test_a_trigger_starts_a_manual_run_of_that_user(client: Client, kind: str) -> None:
    answer = client.post(f"/trigger/{kind}")

    assert answer.status == 200
    assert answer.json() == {
        "success": True,
        "message": f"{kind} snapshot triggered successfully",
    }
    ((dag_id, state, run_type, user, conf),) = client.metadata(
        "SELECT dag_id, state, run_type, triggering_user_name, conf FROM dag_run"
    )
    assert (dag_id, state, run_type, user) == (f"{kind}-snapshot", "queued", "manual", "admin")
    assert json.loads(conf) == {}


def test_the_location_of_a_trigger_is_the_run_in_airflow(client: Client) -> None:
    location = client.post("/trigger/daily").headers["location"]

    run = client.airflow.request("GET", location, token=client.admin)

    assert run.status == 200
    assert run.json()["dag_id"] == "daily-snapshot"
    assert run.json()["triggering_user_name"] == "admin"


def test_a_trigger_passes_its_date_on(client: Client) -> None:
    assert client.post("/trigger/weekly?date=2026-11-04").status == 200

    ((conf,),) = client.metadata("SELECT conf FROM dag_run")
    assert json.loads(conf) == {"date": "2026-11-04"}


@pytest.mark.parametrize(
    "kind",
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
def test_another_type_is_refused_in_any_spelling(either_surface: Client, kind: str) -> None:
    answer = either_surface.post(f"/trigger/{kind}")

    assert answer.status == 400
    assert answer.json() == {"success": False, "error": "Invalid snapshot type"}
    assert either_surface.metadata("SELECT count(*) FROM dag_run") == [(0,)]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("date=2999-01-01", "is in the future"),
        ("date=2026-02-30", "does not exist"),
        ("date=", "must have the form"),
        ("date=yesterday", "must have the form"),
        ("date=%FF", "must have the form"),
        ("date=1969-12-31", "too early"),
        ("date=" + "9" * 5000, "must have the form"),
        ("date=2026-11-01&date=2026-11-02", "given twice"),
        ("dat=2026-11-01", "Unknown parameter 'dat'"),
        ("&".join(f"p{n}=1" for n in range(100)), "Unknown parameter"),
    ],
)
def test_a_date_that_names_no_complete_period_is_refused(
    either_surface: Client, query: str, words: str
) -> None:
    answer = either_surface.post(f"/trigger/daily?{query}")

    assert answer.status == 400
    assert answer.json()["success"] is False
    assert words in answer.json()["error"]
    assert either_surface.metadata("SELECT count(*) FROM dag_run") == [(0,)]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ("is_paused", "The DAG daily-snapshot is paused"),
        ("has_import_errors", "The DAG daily-snapshot is broken"),
        ("is_stale", "The DAG daily-snapshot is unknown"),
    ],
)
def test_a_dag_that_cannot_run_is_a_conflict(
    either_surface: Client, column: str, words: str
) -> None:
    either_surface.metadata(f"UPDATE dag SET {column} = 1 WHERE dag_id = 'daily-snapshot'")

    answer = either_surface.post("/trigger/daily")

    assert answer.status == 409
    assert words in answer.json()["error"]
    assert either_surface.metadata("SELECT count(*) FROM dag_run") == [(0,)]


def test_a_run_that_waits_already_is_a_conflict_that_names_it(client: Client) -> None:
    client.post("/trigger/daily")
    ((waiting,),) = client.metadata("SELECT run_id FROM dag_run")

    answer = client.post("/trigger/daily")

    assert answer.status == 409
    assert waiting in answer.json()["error"]


def test_one_run_may_wait_behind_a_running_one(either_surface: Client) -> None:
    either_surface.post("/trigger/daily")
    either_surface.metadata("UPDATE dag_run SET state = 'running'")

    assert [either_surface.post("/trigger/daily").status for _ in range(3)] == [200, 409, 409]


def test_the_queue_of_a_backfill_is_not_in_the_way(either_surface: Client) -> None:
    either_surface.post("/trigger/daily")
    either_surface.metadata("UPDATE dag_run SET run_type = 'backfill'")

    assert either_surface.post("/trigger/daily").status == 200


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_endpoint_refuses_whoever_is_no_administrator(client: Client, route: object) -> None:
    assert isinstance(route, type(ROUTES[0]))
    path = route.path + ("daily" if route.parameter else "")

    strangers = client.request(route.method, path, token=None)
    viewers = client.request(route.method, path, token=client.viewer)

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
def test_a_malformed_token_is_unauthorized(either_surface: Client, header: str) -> None:
    answer = either_surface.get("/tasks", token=None, headers={"Authorization": header})

    assert answer.status == 401
    assert answer.json()["success"] is False


def resigned(token: str, *, secret: str = "j" * 64, **claims: object) -> str:
    """Return a token with some claims changed, signed by whoever knows the secret."""
    algorithm = jwt.get_unverified_header(token)["alg"]
    payload = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode({**payload, **claims}, secret, algorithm=algorithm)


def test_an_expired_or_foreign_token_is_unauthorized(client: Client) -> None:
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


def test_a_revoked_token_is_unauthorized(client: Client) -> None:
    token = client.airflow.token_of("admin")
    assert client.get("/tasks", token=token).status == 200

    client.airflow.request("GET", "/api/v2/auth/logout", token=token)

    assert client.get("/tasks", token=token).status == 401


def test_the_cookie_of_the_ui_serves_but_a_bearer_token_wins(client: Client) -> None:
    cookie = {"Cookie": f"_token={client.admin}"}

    assert client.get("/tasks", token=None, headers=cookie).status == 200
    assert client.get("/tasks", token=client.viewer, headers=cookie).status == 403


def test_a_page_of_another_site_cannot_spend_the_cookie(client: Client) -> None:
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
def test_a_wrong_path_or_method_has_the_documented_shape(
    either_surface: Client, method: str, path: str, status: int, allowed: str | None
) -> None:
    answer = either_surface.request(method, path)

    assert answer.status == status
    assert set(answer.json()) == {"success", "error"}
    assert answer.headers.get("allow") == allowed


def test_a_long_body_is_refused(either_surface: Client) -> None:
    answer = either_surface.patch(
        "/tasks/daily-snapshot", b'{"schedule": "' + b"x" * 100_000 + b'"}'
    )

    assert answer.status == 413
    assert set(answer.json()) == {"success", "error"}


def test_a_body_that_would_be_ignored_is_refused(either_surface: Client) -> None:
    body = urllib.parse.urlencode({"date": "2026-11-04"}).encode()

    assert either_surface.post("/trigger/daily", body=body).status == 400
    assert either_surface.post("/trigger/daily", body=b"{}").status == 200


def test_every_trigger_stands_in_the_audit_log_allowed_or_refused(client: Client) -> None:
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


def test_strangers_cannot_fill_the_audit_log(either_surface: Client) -> None:
    for _ in range(70):
        either_surface.post("/trigger/daily", token=None)

    assert either_surface.metadata("SELECT count(*) FROM log WHERE owner = 'anonymous'") == [(60,)]


def test_every_route_of_the_app_asks_who_is_there() -> None:
    from fastapi.routing import APIRoute

    from analytics_scheduler.api.fastapi_app import authorized, create_app

    routes = create_app().routes

    assert len(routes) == len(ROUTES) + 1
    for route in routes:
        assert isinstance(route, APIRoute)
        assert [dependency.call for dependency in route.dependant.dependencies] == [authorized]


@pytest.mark.parametrize(
    ("start", "header"),
    [
        (b"GET /tasks?x=\xff HTTP/1.1", b"Accept: \xff\xfe"),
        (b"POST /trigger/\xc3\x28 HTTP/1.1", b"Content-Type: \xff"),
        (b"GET /tasks HTTP/1.1", b"Authorization: Bearer \xff\xfe"),
        (b"GET /tasks HTTP/1.1", b"Cookie: _token=\xff; \xfe"),
    ],
)
def test_bytes_that_are_no_text_cause_no_error_of_ours(
    either_surface: Client, start: bytes, header: bytes
) -> None:
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
