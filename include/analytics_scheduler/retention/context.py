"""What every step of a prune works with, and the short transactions that it works in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from analytics_scheduler.database import limit_lock_waits
from analytics_scheduler.periods import Calendar
from analytics_scheduler.queries import Queries
from analytics_scheduler.retention.cutoffs import Cutoffs


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneContext:
    """The database, what is kept, and how long the prune may go on.

    `page_size` is how many rows one transaction deletes at most; `stop_at` is a reading of
    `time.monotonic`, None for no limit. `on_progress` is called with the rows deleted so far.
    """

    queries: Queries
    calendar: Calendar
    cutoffs: Cutoffs
    dry_run: bool
    page_size: int
    stop_at: float | None
    on_progress: Callable[[int], None] | None

    def is_time_up(self) -> bool:
        """Tell whether to leave the rest to the next run."""
        return self.stop_at is not None and time.monotonic() >= self.stop_at

    def report_progress(self, rows: int) -> None:
        """Report how many rows have been deleted so far."""
        if self.on_progress is not None:
            self.on_progress(rows)


@contextmanager
def short_transaction(queries: Queries) -> Iterator[None]:
    """Commit what the block does, and let it wait only so long for locks."""
    with queries.connection.transaction():
        limit_lock_waits(queries)
        yield
