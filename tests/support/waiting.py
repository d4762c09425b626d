"""Wait for what another thread or process does."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(is_true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Return as soon as a condition holds, or fail after some seconds."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, f"not true within {seconds} seconds"
        time.sleep(0.02)
