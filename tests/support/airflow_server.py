"""A real Airflow API server with a home and a port of its own, stopped at the end of a block."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analytics_scheduler.local.processes import free_port
from analytics_scheduler.settings import SCHEDULE_DEFAULTS

REPOSITORY = Path(__file__).parents[2]
PASSWORDS = {"admin": "correct horse", "viewer": "battery staple"}
START_SECONDS = 90
AUTH_MANAGERS = {
    "simple": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
    "fab": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
}
SMALL_DAG = """
from datetime import datetime
from airflow.sdk import DAG, task
from analytics_scheduler.orchestration.schedules import schedule_of

with DAG("{name}", schedule=schedule_of("{name}", {default!r}), catchup=False, max_active_runs=1,
         start_date=datetime(2020, 1, 1), is_paused_upon_creation=False, tags={tags}):

    @task
    def nothing():
        pass

    nothing()
"""


def write_dags(folder: Path, *, own: str = "business-hour-snapshot") -> Path:
    """Write a small DAG for each task of the package, and one that a user added."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*SCHEDULE_DEFAULTS, own):
        default = "0 6 * * *" if name == own else None
        text = SMALL_DAG.format(name=name, default=default, tags=["analytics-scheduler"])
        (folder / f"{name.replace('-', '_')}.py").write_text(text)
    return folder


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answered; the names of the headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class AirflowServer:
    """A running API server whose metadata a test can read and change.

    `metadata` is for a server on SQLite only.
    """

    url: str
    home: Path
    environ: Mapping[str, str]

    @property
    def metadata_file(self) -> Path:
        return self.home / "airflow.db"

    def request(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(self.url + path, data=body, method=method, headers=sent)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Response(answer.status, _lower(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Response(error.code, _lower(error.headers), error.read())

    def metadata(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Execute a statement in the metadata database, a SQLite file, and return its rows."""
        with closing(sqlite3.connect(self.metadata_file, timeout=30)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            rows = connection.execute(query, values).fetchall()
            connection.commit()
        return rows

    def token_of(self, user: str) -> str:
        answer = self.request(
            "POST",
            "/auth/token",
            body=json.dumps({"username": user, "password": PASSWORDS[user]}).encode(),
            headers={"Content-Type": "application/json"},
        )
        assert answer.status == 201, answer.body
        token: str = answer.json()["access_token"]
        return token


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def environment(home: Path, dags: Path, port: int, **more: str) -> dict[str, str]:
    """Return the environment of an Airflow with its own home, DAGs and port."""
    passwords = home / "passwords.json"
    passwords.write_text(json.dumps(PASSWORDS))
    ours = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__AUTH_MANAGER": AUTH_MANAGERS["simple"],
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,viewer:viewer",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__CORE__FERNET_KEY": "",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__SECRET_KEY": "s" * 64,
        "AIRFLOW__API_AUTH__JWT_SECRET": "j" * 64,
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
    }
    return {**ours, **more}


def prepare(home: Path, dags: Path, **more: str) -> None:
    """Create the metadata database of an Airflow, with its DAGs and users."""
    preparation = Path(__file__).with_name("prepare_airflow.py")
    subprocess.run(
        [sys.executable, str(preparation)],
        env=environment(home, dags, free_port(), **more),
        check=True,
        timeout=START_SECONDS,
    )


@contextmanager
def running_airflow(
    home: Path, dags: Path, environ: Mapping[str, str] | None = None, *, workers: int = 1
) -> Iterator[AirflowServer]:
    """Give an API server on a prepared metadata database; it is stopped at the end."""
    port = free_port()
    environ = environment(home, dags, port, **(environ or {}))
    command = ["airflow", "api-server", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--workers", str(workers)]
    with (home / "api-server.log").open("wb") as log:
        server = subprocess.Popen(
            command, env=environ, stdout=log, stderr=log, start_new_session=True
        )
        try:
            airflow = AirflowServer(f"http://127.0.0.1:{port}", home, environ)
            _wait_until_up(airflow, server)
            yield airflow
        finally:
            _stop(server)


def _wait_until_up(airflow: AirflowServer, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            break
        try:
            if airflow.request("GET", "/api/v2/version").status == 200:
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    raise RuntimeError((airflow.home / "api-server.log").read_text(errors="replace")[-4000:])


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Stop the server; it has nothing to save, and waits long for its own threads."""
    for stop in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, stop)
        except ProcessLookupError:
            break
        try:
            server.wait(timeout=0.5)
            break
        except subprocess.TimeoutExpired:
            continue
    server.wait()
