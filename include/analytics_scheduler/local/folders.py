"""Where `demo` and `up` find the DAGs, and where they keep what outlives them."""

from __future__ import annotations

import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from analytics_scheduler.errors import AnalyticsError

_LOG_FOLDERS_KEPT = 10
_CHECKOUT = Path(__file__).parents[3]


def find_checkout(start: Path = _CHECKOUT) -> Path:
    """Return the folder that holds dags/ and plugins/, or raise AnalyticsError."""
    if (start / "dags").is_dir() and (start / "plugins").is_dir():
        return start
    raise AnalyticsError(
        "The folders dags/ and plugins/ do not come with an installed wheel, and this command runs "
        "what is in them. Clone the repository and start it there: "
        ".venv/bin/uv run analytics-scheduler demo"
    )


def cache_folder() -> Path:
    """Return the folder for what makes a second start fast; a temporary one without a home."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    folder = base / "analytics-scheduler"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return Path(tempfile.mkdtemp(prefix="analytics-scheduler-"))


def new_log_folder(cache: Path, command: str) -> Path:
    """Make the folder for the logs of one start; of the earlier ones the newest stay."""
    logs = cache / "logs"
    logs.mkdir(exist_ok=True)
    for old in sorted(logs.iterdir(), key=_changed_at)[: -_LOG_FOLDERS_KEPT + 1]:
        shutil.rmtree(old, ignore_errors=True)
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return Path(tempfile.mkdtemp(prefix=f"{command}-{moment}-", dir=logs))


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # another start removed it meanwhile
        return 0.0
