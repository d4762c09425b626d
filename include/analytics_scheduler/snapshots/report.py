"""What a run did, in numbers and names."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from analytics_scheduler.vocabulary import Outcome

_SHOWN = 20


@dataclass(frozen=True, slots=True, order=True)
class Failure:
    """A location that is missing from a run, and why; `days` says which, where it is known.

    Where `may_pass` is true the reason lay in the moment, such as a lock, and not in the data.
    """

    location: str
    reason: str
    days: str = ""
    may_pass: bool = False

    def __str__(self) -> str:
        return f"{self.location}{f' ({self.days})' if self.days else ''}: {self.reason}"


@dataclass(frozen=True, slots=True)
class UnexplainedDay:
    """A day on which the stock of a location changed without a movement."""

    location: str
    day: date
    items: int
    value: Decimal | None


@dataclass(slots=True, kw_only=True)
class SnapshotReport:
    """The counts of a run; reports of shards add up.

    expected is active locations times periods, counted when the run ends.
    written, changed, unchanged, adopted and pruned count rows of the wanted periods: new, brought
    to other figures, found right, kept from before the package, kept because their days are pruned.
    composed counts weeks and months that were written or changed along with their days.
    The seconds of the phases are those within the batches; those of shards add up, their peak
    memory (of one process, in MiB) does not.
    """

    period_type: str
    first_day: str
    last_day: str
    expected: int = 0
    locations: int = 0
    written: int = 0
    changed: int = 0
    unchanged: int = 0
    adopted: int = 0
    pruned: int = 0
    composed: int = 0
    days_written: int = 0
    days_caught_up: int = 0
    days_repaired: int = 0
    movements_read: int = 0
    batches: int = 0
    seconds: float = 0.0
    lock_seconds: float = 0.0
    days_seconds: float = 0.0
    compose_seconds: float = 0.0
    peak_memory_mib: float = 0.0
    failures: list[Failure] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unexplained: list[UnexplainedDay] = field(default_factory=list)

    @property
    def outcome(self) -> Outcome:
        """Return how the run ended: partial if a location failed and others did not."""
        if not self.failures:
            return Outcome.SUCCESS
        is_partial = self.written + self.changed + self.unchanged > 0
        return Outcome.PARTIAL if is_partial else Outcome.FAILED

    def add(self, other: SnapshotReport) -> None:
        """Add the counts and names of another part of the same run."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.peak_memory_mib = max(self.peak_memory_mib, other.peak_memory_mib)
        self.failures.extend(other.failures)
        self.warnings.extend(other.warnings)
        self.unexplained.extend(other.unexplained)

    def summary(self) -> str:
        """Return the run in one line for people."""
        parts = [
            f"{self.written} written",
            f"{self.unchanged} unchanged",
            f"{len({failure.location for failure in self.failures})} failed",
        ]
        optional = {
            "changed": self.changed,
            "kept from before": self.adopted,
            "left as their days are pruned": self.pruned,
            "days caught up": self.days_caught_up,
            "days repaired": self.days_repaired,
            "weeks and months with them": self.composed,
        }
        parts += [f"{count} {words}" for words, count in optional.items() if count]
        return (
            f"{self.period_type} {self.first_day}..{self.last_day}: {', '.join(parts)}; "
            f"{self.movements_read} movements read in {self.seconds:.2f} s"
        )

    def unexplained_lines(self) -> list[str]:
        """Return a warning for each day whose stock changed without a movement."""
        return [
            f"{entry.location}: on {entry.day} {-entry.items:+d} items worth "
            f"{'an unknown value' if entry.value is None else f'{-entry.value:+}'} came about "
            "without a movement: stock was edited by hand, a movement was booked or deleted "
            "without its stock, or a late movement lies before the days that are looked back on"
            for entry in self.unexplained
        ]

    def as_dict(self, *, limit: int | None = _SHOWN) -> dict[str, Any]:
        """Return the report as plain data; lists of names are cut at `limit` and counted."""
        data: dict[str, Any] = {
            "period": self.period_type,
            **{name: getattr(self, name) for name in ("first_day", "last_day", *_COUNTS)},
        }
        data |= {name: round(data[name], 3) for name in _COUNTS if name.endswith("seconds")}
        data["peak_memory_mib"] = self.peak_memory_mib
        data["outcome"] = self.outcome.value
        data["failed"] = len({failure.location for failure in self.failures})
        data["failures"] = [asdict(failure) for failure in self.failures[:limit]]
        data["warnings"] = self.warnings[:limit]
        data["unexplained"] = [
            {
                "location": entry.location,
                "day": str(entry.day),
                "items": entry.items,
                "value": None if entry.value is None else str(entry.value),
            }
            for entry in self.unexplained[:limit]
        ]
        data["unexplained_days"] = len(self.unexplained)
        return data

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> SnapshotReport:
        """Return the report that `as_dict` gave out."""
        names = ("first_day", "last_day", *_COUNTS, "peak_memory_mib")
        return cls(
            period_type=data["period"],
            **{name: data[name] for name in names},
            failures=[Failure(**entry) for entry in data["failures"]],
            warnings=list(data["warnings"]),
            unexplained=[
                UnexplainedDay(
                    entry["location"],
                    date.fromisoformat(entry["day"]),
                    entry["items"],
                    None if entry["value"] is None else Decimal(entry["value"]),
                )
                for entry in data["unexplained"]
            ],
        )


_COUNTS = (
    "expected",
    "locations",
    "written",
    "changed",
    "unchanged",
    "adopted",
    "pruned",
    "composed",
    "days_written",
    "days_caught_up",
    "days_repaired",
    "movements_read",
    "batches",
    "seconds",
    "lock_seconds",
    "days_seconds",
    "compose_seconds",
)


def named(names: dict[UUID, str], location_id: UUID) -> str:
    """Return how a location is shown: its name and id."""
    name = names.get(location_id)
    return f"{name} [{location_id}]" if name else str(location_id)
