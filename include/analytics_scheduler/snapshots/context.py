"""What every step of a run works with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from analytics_scheduler.migrations import require_migrated
from analytics_scheduler.periods import ONE_DAY
from analytics_scheduler.queries import Queries
from analytics_scheduler.settings import CalendarSettings, DatabaseSettings, SnapshotSettings
from analytics_scheduler.snapshots.attempts import attempted
from analytics_scheduler.snapshots.deadline import Deadline
from analytics_scheduler.snapshots.prices import observe_prices
from analytics_scheduler.source import SourceShape, read_source_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg import Connection

    from analytics_scheduler.periods import Calendar

THOUSANDTHS = 1_000  # of a piece: what quantities are computed in
TEN_MILLIONTHS = 10_000_000  # of the currency: a thousandth of a piece times a cost with 4 decimals


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """The settings of a snapshot run."""

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
    """The queries and settings of a run, and what it knows of the source.

    `priced_at` is the moment whose costs and prices the run's new days are valued at. `deadline`
    is when the run has to end.
    """

    queries: Queries
    settings: RunSettings
    source: SourceShape
    priced_at: datetime
    deadline: Deadline

    @property
    def connection(self) -> Connection[Any]:
        """The connection of the queries."""
        return self.queries.connection

    @property
    def movements(self) -> dict[str, str]:
        """The part of a statement that reads the movements."""
        is_fractional = self.source.has_fractional_quantities
        return {"movements": "_fractional_movements" if is_fractional else "_whole_movements"}

    @property
    def movements_and_stock(self) -> dict[str, str]:
        """The parts of a statement that reads the movements and the stock."""
        is_fractional = self.source.has_fractional_quantities
        return {**self.movements, "stock": "_fractional_stock" if is_fractional else "_whole_stock"}

    @property
    def unit(self) -> int:
        """How many thousandths of a piece a quantity of these parts counts."""
        return 1 if self.source.has_fractional_quantities else THOUSANDTHS

    @property
    def timezone(self) -> str:
        """The name of the time zone that days are counted in."""
        return self.settings.calendar.timezone.key

    def instant(self, day: date) -> datetime:
        """Return the first instant of a day, as the type that `created_at` is compared with."""
        start = self.settings.calendar.day_start(day)
        if self.source.created_at_is_timestamptz:
            return start
        return start.astimezone(UTC).replace(tzinfo=None)

    def instants(self, first_day: date, last_day: date) -> list[datetime]:
        """Return the first instants of consecutive days, and of the day after the last."""
        return [self.instant(day) for day in days_between(first_day, last_day + ONE_DAY)]


def prepare(
    connection: Connection[Any], settings: RunSettings, *, priced_at: datetime | None = None
) -> RunContext:
    """Check the source and the package's tables, store changed prices, and return the context.

    The shards of one run share the `priced_at` of its first task. Raises SchemaError if a relation,
    a column or a table of the package is missing.
    """
    deadline = Deadline.after(settings.database.task_timeout_seconds)
    queries = Queries(connection, settings.database)
    with deadline.kept(connection, lambda: "before anything was read"):
        require_migrated(queries)
        source = read_source_shape(queries)
        connection.rollback()
        return RunContext(
            queries=queries,
            settings=settings,
            source=source,
            priced_at=priced_at or attempted(queries, deadline, lambda: observe_prices(queries)),
            deadline=deadline,
        )


def days_between(first_day: date, last_day: date) -> Iterator[date]:
    """Give the days from one to another, both included."""
    for number in range(day_count(first_day, last_day)):
        yield first_day + timedelta(days=number)


def day_count(first_day: date, last_day: date) -> int:
    """Return how many days there are from one day to another, both included."""
    return (last_day - first_day).days + 1
