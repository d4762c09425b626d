"""What a prune did, or would do: one count a kind, and what had to stay."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from analytics_scheduler.periods import Period
from analytics_scheduler.vocabulary import Outcome

BOOKKEEPING = ("days", "revisions", "adopted marks", "runs", "alerts", "prices")
UNFINISHED = "The time was up before all was done; what went is gone, the next run goes on."


@dataclass(frozen=True, slots=True, kw_only=True)
class KindReport:
    """One kind of rows: the first day that is kept (None: all), rows gone, rows held back."""

    kind: str
    kept_from: date | None
    gone: int
    held: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneReport:
    """What a prune did; in a dry run `gone` counts what would go."""

    kinds: tuple[KindReport, ...]
    today: date
    is_complete: bool
    dry_run: bool
    seconds: float
    warnings: tuple[str, ...]

    def gone(self, kind: str) -> int:
        """Return how many rows of a kind went, or would go."""
        return sum(entry.gone for entry in self.kinds if entry.kind == kind)

    @property
    def outcome(self) -> Outcome:
        """Return how the run ended: partial if it ran out of time."""
        return Outcome.SUCCESS if self.is_complete else Outcome.PARTIAL

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {
            **asdict(self),
            "kinds": [
                {**asdict(entry), "kept_from": entry.kept_from and entry.kept_from.isoformat()}
                for entry in self.kinds
            ],
            "today": self.today.isoformat(),
            "warnings": list(self.warnings),
        }

    def summary(self) -> str:
        """Return the report as one line of key=value fields."""
        counts = " ".join(f"{entry.kind.replace(' ', '_')}={entry.gone}" for entry in self.kinds)
        held = sum(entry.held for entry in self.kinds)
        return (
            f"today={self.today} dry_run={self.dry_run} complete={self.is_complete} {counts} "
            f"held={held} seconds={self.seconds}"
        )


@dataclass(slots=True)
class Tally:
    """What has been counted so far while a prune goes on."""

    gone: Counter[str] = field(default_factory=Counter)
    held_days: set[date] = field(default_factory=set)
    held: int = 0
    missing: Counter[Period] = field(default_factory=Counter)
    is_complete: bool = True

    def note_held(self, day: date, rows: int) -> None:
        """Note that daily rows of a day stay beyond their time."""
        if rows:
            self.held += rows
            self.held_days.add(day)

    def note_missing(self, period: Period | None, rows: int) -> None:
        """Note that daily rows wait for a period to be composed."""
        if period is not None and rows:
            self.missing[period] = max(rows, self.missing[period])


def held_warnings(tally: Tally, today: date) -> tuple[str, ...]:
    """Return a line for the weeks and one for the months that are over and not composed."""
    lines = []
    for noun, period_type in (("week", "weekly"), ("month", "monthly")):
        periods = sorted(
            period
            for period in tally.missing
            if period.period_type == period_type and period.end < today
        )
        if periods:
            lines.append(
                f"Daily rows stay beyond their time: {len(periods)} {noun}(s) from "
                f"{periods[0].start} to {periods[-1].end} have not been composed for up to "
                f"{max(tally.missing[period] for period in periods)} location(s). Run: "
                f"analytics-scheduler run {period_type} --from {periods[0].start} "
                f"--to {periods[-1].end}"
            )
    return tuple(lines)
