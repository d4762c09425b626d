"""How the tests are shared out among worker processes: whole files, and the API tests as one.

Each worker has servers of its own: PostgreSQL, Redis, and an Airflow home. The API tests share two
running Airflows besides, so they stay together.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from xdist.scheduler import LoadFileScheduling

_TOGETHER = "tests/api/"


class WholeFiles(LoadFileScheduling):  # type: ignore[misc]
    """Gives a worker one file after the other, in their order."""

    def _split_scope(self, nodeid: str) -> str:
        return _TOGETHER if nodeid.startswith(_TOGETHER) else nodeid.split("::", 1)[0]


def worker_count(config: pytest.Config) -> int:
    """Return how many workers a session starts: one for each processor, for folders of tests.

    None for named files and tests, whose servers start once, and for a debugger.
    """
    if config.option.usepdb or not all(Path(name).is_dir() for name in config.args):
        return 0
    return len(os.sched_getaffinity(0))


def worker_number(config: pytest.Config) -> int:
    """Return the number of this worker, from 0 on; 0 without workers."""
    given: dict[str, Any] = getattr(config, "workerinput", {})
    return int(str(given.get("workerid", "gw0")).removeprefix("gw"))


def numbered_database(redis_url: str, number: int) -> str:
    """Return the URL of another database of the same Redis: as many further as the number."""
    parts = urlsplit(redis_url)
    first = int(parts.path.strip("/") or 0)
    return parts._replace(path=f"/{first + number}").geturl()
