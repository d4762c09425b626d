"""What a prune deleted, or would delete, and what it held back."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeAlias

from analytics_scheduler.output import counted
from analytics_scheduler.periods import Period
from analytics_scheduler.retention.cutoffs import Cutoffs
from analytics_scheduler.vocabulary import Bookkeeping, Outcome, PeriodType

UNFINISHED = "The time limit was reached before everything was deleted. The next run continues."
Table: TypeAlias = PeriodType | Bookkeeping


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCount:
    """The rows of one table, or of one period type of the snapshots.

    `kept_from` is the first period end that is kept, None if all are. `held` counts daily snapshots
    that stay beyond their age, because a week or month has yet to be composed from them.
    """

    table: Table
    deleted: int
    kept_from: date | None = None
    held: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON of the report."""
        return {
            "kind": self.table.value,
            "kept_from": self.kept_from.isoformat() if self.kept_from else None,
            "gone": self.deleted,
            "held": self.held,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneReport:
    """The counts of a prune; in a dry run `deleted` counts what would be deleted."""

    tables: tuple[TableCount, ...]
    today: date
    is_complete: bool
    dry_run: bool
    seconds: float
    warnings: tuple[str, ...]

    def deleted(self, table: Table) -> int:
        """Return how many rows of a table were deleted."""
        return sum(count.deleted for count in self.tables if count.table is table)

    @property
    def rows_deleted(self) -> int:
        """How many rows of all tables were deleted."""
        return sum(count.deleted for count in self.tables)

    @property
    def held(self) -> int:
        """How many daily snapshots were held back."""
        return sum(count.held for count in self.tables)

    @property
    def outcome(self) -> Outcome:
        """How the run ended: partial if it ran out of time."""
        return Outcome.SUCCESS if self.is_complete else Outcome.PARTIAL

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON that `prune --json` prints and the record of the run holds."""
        return {
            "kinds": [count.as_dict() for count in self.tables],
            "today": self.today.isoformat(),
            "is_complete": self.is_complete,
            "dry_run": self.dry_run,
            "seconds": self.seconds,
            "warnings": list(self.warnings),
        }

    def summary(self) -> str:
        """Return the report as one line of key=value fields."""
        counts = " ".join(
            f"{count.table.replace(' ', '_')}={count.deleted}" for count in self.tables
        )
        return (
            f"today={self.today} dry_run={self.dry_run} complete={self.is_complete} {counts} "
            f"held={self.held} seconds={self.seconds}"
        )


@dataclass(slots=True)
class Counts:
    """What a prune has counted so far.

    `held` has the daily snapshots that were held back, by day; `missing` those of them that wait
    for a week or month, by that period and by day.
    """

    deleted: Counter[Table] = field(default_factory=Counter)
    held: Counter[date] = field(default_factory=Counter)
    missing: dict[Period, Counter[date]] = field(default_factory=lambda: defaultdict(Counter))
    is_complete: bool = True

    def add_held(self, day: date, rows: int) -> None:
        """Add daily snapshots that are held back."""
        if rows:
            self.held[day] += rows

    def add_missing(self, period: Period, day: date, rows: int) -> None:
        """Add daily snapshots that wait for a period to be composed."""
        if rows:
            self.missing[period][day] += rows

    def report(self, cutoffs: Cutoffs, *, dry_run: bool, seconds: float) -> PruneReport:
        """Return the report of a prune that has ended."""
        snapshots = tuple(
            TableCount(
                table=period_type,
                deleted=self.deleted[period_type],
                kept_from=cutoffs.first_kept[period_type],
                held=self.held.total() if period_type is PeriodType.DAILY else 0,
            )
            for period_type in PeriodType
        )
        bookkeeping = tuple(
            TableCount(table=table, deleted=self.deleted[table]) for table in Bookkeeping
        )
        return PruneReport(
            tables=snapshots + bookkeeping,
            today=cutoffs.today,
            is_complete=self.is_complete,
            dry_run=dry_run,
            seconds=round(seconds, 3),
            warnings=self._warnings(cutoffs.today),
        )

    def _warnings(self, today: date) -> tuple[str, ...]:
        """Name the longer periods that have ended and that daily snapshots still wait for."""
        lines = []
        for period_type in PeriodType.longer():
            periods = sorted(
                period
                for period in self.missing
                if period.period_type is period_type and period.end < today
            )
            if periods:
                lines.append(self._missing_warning(period_type, periods))
        if not self.is_complete:
            lines.append(UNFINISHED)
        return tuple(lines)

    def _missing_warning(self, period_type: PeriodType, periods: list[Period]) -> str:
        first, last = periods[0].start, periods[-1].end
        locations = max(max(self.missing[period].values()) for period in periods)
        return (
            f"{counted(len(periods), period_type.noun)} between {first} and {last} "
            f"{'has' if len(periods) == 1 else 'have'} not been composed for up to "
            f"{counted(locations, 'location')}, so their daily snapshots are kept beyond "
            f"RETENTION_DAILY. To compose them, run: analytics-scheduler run {period_type} "
            f"--from {first} --to {last}"
        )
