"""The services of docker-compose.yaml as local processes, started in the file's order.

Each container is a process in its own session, with the variables of the file and no others. In
addresses, the loopback interface stands for the names of services, and a free port for each port.
The health of a container is the result of the file's own check, run with the container's variables.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.compose import images
from tests.support.compose.file import REPOSITORY, Service

from analytics_scheduler.local.processes import free_port, start, stop_sessions

_START_SECONDS = 150


@dataclass(slots=True)
class Container:
    """A process that stands for a container, with its health."""

    name: str
    service: Service
    environ: Mapping[str, str]
    folder: Path
    started: subprocess.Popen[bytes] | None = None
    is_healthy: bool = False
    probe: subprocess.Popen[bytes] | None = None
    probed_at: float = field(default_factory=time.monotonic)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self.started is not None
        return self.started

    @property
    def home(self) -> Path:
        """The folder that stands for AIRFLOW_HOME; only Airflow's containers have one."""
        return self.folder / "airflow"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def start_probe(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Start a health check in the container's environment."""
        return start(command, environ=dict(self.environ), log=self.folder / "log-of-health")

    def look(self, command: list[str]) -> None:
        """Start a health check when it is due, or take the result of the running one."""
        if self.probe is None:
            if time.monotonic() - self.probed_at > self.service.seconds_between_probes:
                self.probe = self.start_probe(command)
        elif self.probe.poll() is not None:
            self.is_healthy = self.probe.returncode == 0
            self.probe, self.probed_at = None, time.monotonic()

    def status(self) -> int | None:
        return self.started.poll() if self.started else None

    def stop(self) -> None:
        """Send SIGTERM as dumb-init forwards it: to the whole session, or to the program alone."""
        if self.environ.get("DUMB_INIT_SETSID") == "0":
            self.process.send_signal(signal.SIGTERM)
        else:
            os.killpg(self.process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """Kill every process of the container, as `docker kill` does."""
        stop_sessions([self.process], seconds=0)


class LocalStack:
    """The containers by name; a scaled service has several."""

    def __init__(self, services: Mapping[str, Service], folder: Path, more: Mapping[str, str]):
        self.services = services
        self.folder = folder
        self.containers: dict[str, Container] = {}
        self.superuser_url = ""
        self._postgres = ExitStack()
        self._more = more
        names = "|".join(map(re.escape, services))
        self._address = re.compile(rf"\b({names}|localhost):(\d+)\b")
        self._ports: dict[tuple[str, str], int] = {}

    def port(self, service: str, inside: int) -> int:
        """Return the local port that stands for a port of a service."""
        key = (service, str(inside))
        if key not in self._ports:
            self._ports[key] = free_port()
        return self._ports[key]

    def here(self, service: Service, text: str) -> str:
        """Return a text with local addresses in place of the services' addresses."""

        def local(found: re.Match[str]) -> str:
            host = service.name if found[1] == "localhost" else found[1]
            return f"127.0.0.1:{self.port(host, int(found[2]))}"

        return self._address.sub(local, text)

    def up(self, scale: Mapping[str, int]) -> None:
        """Start every service without a profile, each when its conditions are met."""
        waiting = [service for service in self.services.values() if "profiles" not in service.data]
        deadline = time.monotonic() + _START_SECONDS
        while waiting or not self._is_settled():
            for service in [each for each in waiting if self._may_start(each)]:
                waiting.remove(service)
                for number in range(1, scale.get(service.name, 1) + 1):
                    self.add(service.name, f"{service.name}-{number}")
            self._look_around(deadline)

    def add(self, service_name: str, name: str) -> Container:
        """Start one container of a service."""
        service = self.services[service_name]
        folder = self.folder / name
        folder.mkdir()
        starters = {"postgres": self._start_postgres, "redis": self._start_redis}
        container = starters.get(service.image, self._start_airflow)(service, name, folder)
        self.containers[name] = container
        return container

    def health_command(self, container: Container) -> list[str]:
        service = container.service
        return [self.here(service, word) for word in service.health_command]

    def _start_airflow(self, service: Service, name: str, folder: Path) -> Container:
        (folder / "tmp").mkdir()
        environ = {
            "PATH": f"{images.python_programs()}{os.pathsep}{os.defpath}",
            "HOME": str(folder),
            "TMPDIR": str(folder / "tmp"),
            "HOSTNAME": name,
            "AIRFLOW_HOME": str(folder / "airflow"),
            "LANG": "C.UTF-8",
            # The image's files are read-only.
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(REPOSITORY),
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "tests.support.compose.host_name.host_name",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port("api-server", 8080)),
            **self._more,
            **{
                key: _in_folder(service, self.here(service, text), folder)
                for key, text in service.environment.items()
            },
        }
        container = Container(name, service, environ, folder)
        images.make_airflow_home(container.home, service, self.folder / "volumes")
        command = [self.here(service, word) for word in images.airflow_words(service)]
        container.started = start(command, environ=environ, log=container.log)
        return container

    def _start_postgres(self, service: Service, name: str, folder: Path) -> Container:
        port = self.port(service.name, 5432)
        running = images.running_postgres(service, self.folder, port=port)
        self.superuser_url = self._postgres.enter_context(running)
        programs = images.postgres_programs()
        environ = {"PATH": f"{programs}{os.pathsep}{os.defpath}", "PGPORT": str(port)}
        return Container(name, service, environ, folder)

    def _start_redis(self, service: Service, name: str, folder: Path) -> Container:
        port = self.port(service.name, 6379)
        programs = images.make_redis_programs(folder / "bin", port=port)
        environ = {"PATH": f"{programs}{os.pathsep}{os.defpath}", **service.environment}
        container = Container(name, service, environ, folder)
        command = ["sh", "-c", 'cd "$0" && exec "$@"', str(folder), *service.command]
        container.started = start(command, environ=environ, log=container.log)
        return container

    def stop_postgres(self) -> None:
        self._postgres.close()

    def end(self) -> None:
        """End every process that is still running, with its session."""
        each = self.containers.values()
        processes = [one for box in each for one in (box.started, box.probe) if one is not None]
        stop_sessions(processes, seconds=10)
        self.stop_postgres()

    def _may_start(self, service: Service) -> bool:
        return all(
            any(
                container.status() == 0 if "completed" in condition else container.is_healthy
                for container in self.containers.values()
                if container.service.name == name
            )
            for name, condition in service.waits_for.items()
        )

    def _is_settled(self) -> bool:
        return all(
            container.is_healthy
            if "healthcheck" in container.service.data
            else container.status() == 0
            for container in self.containers.values()
        )

    def _look_around(self, deadline: float) -> None:
        """Check what is not healthy yet; raise RuntimeError for one that ended, or too late."""
        for container in self.containers.values():
            if container.status() and not container.is_healthy:
                raise RuntimeError(f"{container.name} ended: {tail(container.log)}")
            if "healthcheck" in container.service.data and not container.is_healthy:
                container.look(self.health_command(container))
        if time.monotonic() > deadline:
            states = {name: container.is_healthy for name, container in self.containers.items()}
            raise RuntimeError(f"Not healthy in time: {states}")
        time.sleep(0.1)


def _in_folder(service: Service, text: str, folder: Path) -> str:
    """Return a text in which a local folder stands for the container's temporary folders."""
    for inside in service.data["tmpfs"]:
        text = text.replace(f"sqlite:///{inside}/", f"sqlite:///{folder}{inside}/")
    return text


def tail(log: Path) -> str:
    return log.read_text(errors="replace")[-3000:]


@contextmanager
def local_stack(
    services: Mapping[str, Service], folder: Path, more: Mapping[str, str]
) -> Iterator[LocalStack]:
    """Yield a stack that ends with the block; `more` are variables for Airflow's containers."""
    stack = LocalStack(services, folder, more)
    try:
        yield stack
    finally:
        stack.end()
