"""A connection that works in short transactions, until its time is up."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from psycopg.rows import namedtuple_row

from analytics_scheduler.database import statement

if TYPE_CHECKING:
    from psycopg import Connection, sql

    from analytics_scheduler.settings import DatabaseSettings

ROWS_A_TRANSACTION = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a prune works with; page_size bounds the rows that one transaction deletes."""

    connection: Connection[Any]
    database: DatabaseSettings
    page_size: int
    stop_at: float | None = None
    on_progress: Callable[[int], None] | None = None

    def rows(self, name: str, parameters: dict[str, Any], **parts: sql.Composable) -> list[Any]:
        """Return the rows of a statement, which is committed by itself.

        It waits for no lock longer than DATABASE_LOCK_TIMEOUT_SECONDS.
        """
        with (
            self.connection.transaction(),
            self.connection.cursor(row_factory=namedtuple_row) as cursor,
        ):
            cursor.execute(
                "SELECT set_config('lock_timeout', %s, true)",
                (f"{self.database.lock_timeout_seconds * 1000}",),
            )
            text = statement(f"{name}", self.database, **parts)
            return cursor.execute(text, parameters).fetchall()

    def row(self, name: str, parameters: dict[str, Any], **parts: sql.Composable) -> Any:
        """Return the one row of a statement, which is committed by itself."""
        return self.rows(name, parameters, **parts)[0]

    def part(self, name: str) -> sql.Composed:
        """Return a statement that is a part of others."""
        return statement(f"{name}", self.database)

    def is_time_up(self) -> bool:
        """Tell whether the next transaction is the next run's."""
        return self.stop_at is not None and time.monotonic() >= self.stop_at

    def progress(self, rows: int) -> None:
        """Say how many rows are gone by now, where somebody watches."""
        if self.on_progress is not None:
            self.on_progress(rows)
