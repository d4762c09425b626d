"""What every step of a run works with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from psycopg import Connection, Cursor, sql

from analytics_scheduler.database import statement
from analytics_scheduler.periods import Calendar
from analytics_scheduler.settings import CalendarSettings, DatabaseSettings, SnapshotSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """The settings that a run of snapshots uses."""

    database: DatabaseSettings
    snapshots: SnapshotSettings
    calendar: Calendar

    @classmethod
    def load(cls) -> RunSettings:
        """Read the settings, or raise SettingError."""
        return cls(
            database=DatabaseSettings.load(),
            snapshots=SnapshotSettings.load(),
            calendar=CalendarSettings.load().calendar(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """A connection with the settings of the run and what it knows of the source.

    `priced_at` is the moment whose costs and prices the run's new days are valued at.
    """

    connection: Connection[Any]
    setup: RunSettings
    has_timezone: bool
    priced_at: datetime

    def execute(
        self, name: str, parameters: dict[str, Any] | None = None, **parts: sql.Composable
    ) -> Cursor[Any]:
        """Run a statement of the `snapshots` area."""
        composed = statement(f"{name}", self.setup.database, **parts)
        return self.connection.execute(composed, parameters or {})

    def part(self, name: str, **parts: sql.Composable) -> sql.Composed:
        """Return a statement of the `snapshots` area as a part of another."""
        return statement(f"{name}", self.setup.database, **parts)

    def instant(self, day: date) -> datetime:
        """Return the first instant of a day, of the type that created_at is compared with."""
        start = self.setup.calendar.day_start(day)
        return start if self.has_timezone else start.astimezone(UTC).replace(tzinfo=None)

    def instants(self, first_day: date, day_count: int) -> list[datetime]:
        """Return the first instants of consecutive days, and of the day after the last."""
        return [self.instant(first_day + timedelta(days=n)) for n in range(day_count + 1)]

    @property
    def timezone(self) -> str:
        """The name of the zone that days are counted in."""
        return self.setup.calendar.timezone.key


@dataclass(frozen=True, slots=True)
class Located:
    """Which locations a statement reads: all of a range of ids, or the listed ones.

    Where the list is the whole range the range is cheaper to test; where there is no range either,
    nothing is tested at all.
    """

    range_parameters: dict[str, Any] | None

    def of(self, column: str) -> sql.Composable:
        """Return the condition on a column."""
        if self.range_parameters is None:
            return sql.SQL("{} = any(%(locations)s)").format(sql.SQL(column))
        after, until = self.range_parameters["after"], self.range_parameters["until"]
        tests = []
        if after is not None:
            tests.append(f"{column} > %(after)s")
        if until is not None:
            tests.append(f"{column} <= %(until)s")
        return sql.SQL(" AND ".join(tests) or "TRUE")


def uuid_array(ids: Iterable[UUID]) -> str:
    """Return ids as the text of a uuid[] parameter, which is far cheaper to send than a list."""
    return "{" + ",".join(map(str, ids)) + "}"


def day_count(first_day: date, last_day: date) -> int:
    """Return how many days a stretch has, both ends included."""
    return (last_day - first_day).days + 1
