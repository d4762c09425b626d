"""The folders of `demo` and `up`: the checkout, the cache, the logs, and installed packages."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from analytics_scheduler.errors import AnalyticsError

_LOG_FOLDERS_KEPT = 10
_CHECKOUT = Path(__file__).parents[3]


def find_checkout(start: Path = _CHECKOUT) -> Path:
    """Return the folder that contains dags/ and plugins/, or raise AnalyticsError."""
    if (start / "dags").is_dir() and (start / "plugins").is_dir():
        return start
    raise AnalyticsError(
        "This command runs the DAGs in dags/ and plugins/, which are not part of an installed "
        "wheel. Clone the repository and start the command there: "
        ".venv/bin/uv run analytics-scheduler demo"
    )


def package_folder(name: str) -> Path | None:
    """Return the folder of an installed package without importing it, or None."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])


def cache_folder() -> Path:
    """Return the folder for what makes the next start fast; a temporary one if it is read-only."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    folder = base / "analytics-scheduler"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix="analytics-scheduler-"))


def new_log_folder(cache: Path, command: str) -> Path:
    """Create the folder for the logs of one start, and delete all but the newest of the others."""
    logs = cache / "logs"
    logs.mkdir(exist_ok=True)
    for old in sorted(logs.iterdir(), key=_changed_at)[: -_LOG_FOLDERS_KEPT + 1]:
        shutil.rmtree(old, ignore_errors=True)
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return Path(tempfile.mkdtemp(prefix=f"{command}-{moment}-", dir=logs))


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # another start deleted it in the meantime
        return 0.0
