"""When a run has to end, and how it ends then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from analytics_scheduler.database import time_limit
from analytics_scheduler.errors import TimeUpError
from analytics_scheduler.output import counted

if TYPE_CHECKING:
    from psycopg import Connection

    from analytics_scheduler.queries import Queries


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment of this process's monotonic clock, how many seconds it was away, and for what."""

    moment: float
    seconds: int
    purpose: str

    @classmethod
    def after(cls, seconds: int, purpose: str = "TASK_TIMEOUT_SECONDS") -> Deadline:
        """Return the deadline that is some seconds away; messages name its setting or purpose."""
        return cls(time.monotonic() + seconds, seconds, purpose)

    @property
    def seconds_left(self) -> float:
        """How many seconds are left; 0 if none are."""
        return max(0.0, self.moment - time.monotonic())

    @contextmanager
    def kept(self, connection: Connection[Any], progress: Callable[[], str]) -> Iterator[None]:
        """End a block that uses a connection when the time is up, with TimeUpError.

        `progress` describes how far the block got. Any other error of the database is raised as
        it is.
        """
        try:
            with time_limit(connection, self.seconds_left):
                yield
        except psycopg.Error as error:
            if self.seconds_left:
                raise
            raise self.time_up(progress()) from error

    def limit_transaction(self, queries: Queries) -> None:
        """Let no statement of this transaction outlast the deadline, or wait long for a lock."""
        # At least a millisecond: 0 would mean no limit.
        queries.run(
            "limit_transaction",
            statement_milliseconds=str(max(1, int(self.seconds_left * 1000))),
            lock_milliseconds=str(queries.settings.lock_timeout_seconds * 1000),
        )

    def require(self, progress: Callable[[], str]) -> None:
        """Raise TimeUpError if the time is up."""
        if not self.seconds_left:
            raise self.time_up(progress())

    def time_up(self, progress: str) -> TimeUpError:
        """Return the error of a run whose time is up."""
        return TimeUpError(
            f"The time limit of {counted(self.seconds, 'second')} was reached "
            f"({self.purpose}), {progress}."
        )
