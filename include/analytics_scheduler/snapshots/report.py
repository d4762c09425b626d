"""What a run did, in numbers and names."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from analytics_scheduler.vocabulary import Outcome, PeriodType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from analytics_scheduler.snapshots.request import SnapshotRequest

_SHOWN = 20


@dataclass(frozen=True, slots=True, order=True)
class Failure:
    """A location that a run could not write, and why; `days` says which days, if that is known.

    `may_pass` says that the cause is passing, such as a lock, and does not lie in the data.
    """

    location: str
    reason: str
    days: str = ""
    may_pass: bool = False

    def __str__(self) -> str:
        return f"{self.location}{f' ({self.days})' if self.days else ''}: {self.reason}"


@dataclass(frozen=True, slots=True)
class UnexplainedDay:
    """A day on which the stock of a location changed without a movement.

    `items` and `value` are what the stock lost: what the day before and the movements give, minus
    what was found. The value is None if the two days were valued at prices that cannot be compared.
    """

    location: str
    day: date
    items: int | Decimal
    value: Decimal | None

    def __str__(self) -> str:
        value = "of unknown value" if self.value is None else f"worth {-self.value:+}"
        return (
            f"{self.location}: on {self.day} the stock changed by {-self.items:+} items {value} "
            "without a movement. Either the stock was edited by hand, or a movement was booked or "
            "deleted without its stock, or a late movement is older than the days looked back on."
        )


@dataclass(slots=True, kw_only=True)
class SnapshotReport:
    """The counts of a run; those of batches and shards add up.

    expected: active locations times requested periods, counted when the run ends.
    written, changed, unchanged, adopted, pruned: rows of the requested periods that were new, were
    brought to other figures, were right, are older than the package, or are kept because their days
    are pruned.
    composed: weeks and months that were written or changed because days of theirs were.
    lock_seconds, days_seconds, compose_seconds: the phases of the batches.
    peak_memory_mib: the most that one process held; it does not add up.
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
    peak_memory_mib: float = field(default=0.0, metadata={"adds_up": False})
    failures: list[Failure] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unexplained: list[UnexplainedDay] = field(default_factory=list)

    @classmethod
    def of(cls, request: SnapshotRequest) -> SnapshotReport:
        """Return the report of a run that has done nothing yet."""
        return cls(
            period_type=request.period_type.value,
            first_day=str(request.first_day),
            last_day=str(request.last_day),
        )

    @property
    def failed(self) -> int:
        """How many locations failed."""
        return len({failure.location for failure in self.failures})

    @property
    def outcome(self) -> Outcome:
        """Success, or partial if some locations failed and others did not, or failed."""
        if not self.failures:
            return Outcome.SUCCESS
        is_partial = self.written + self.changed + self.unchanged > 0
        return Outcome.PARTIAL if is_partial else Outcome.FAILED

    @property
    def touched_period_types(self) -> list[PeriodType]:
        """The period types of the rows that may have changed: the run's own first.

        Days that are written late change the stored weeks and months that contain them.
        """
        own = PeriodType(self.period_type)
        others = [each for each in PeriodType if each is not own] if self.composed else []
        return [own, *others]

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
        counts = [
            f"{self.written} written",
            f"{self.unchanged} unchanged",
            f"{self.failed} failed",
        ]
        optional = {
            "changed": self.changed,
            "kept from before the package": self.adopted,
            "left because their days are pruned": self.pruned,
            "days caught up": self.days_caught_up,
            "days repaired": self.days_repaired,
            "weeks and months with them": self.composed,
        }
        counts += [f"{count} {words}" for words, count in optional.items() if count]
        return (
            f"{self.period_type} {self.first_day}..{self.last_day}: {', '.join(counts)}; "
            f"{self.movements_read} movements read in {self.seconds:.2f} s"
        )

    def failures_in_short(self, limit: int = 5) -> str:
        """Return the first failures in one line, and how many more there are."""
        names = "; ".join(str(failure) for failure in self.failures[:limit])
        more = len(self.failures) - limit
        return f"{names}; and {more} more" if more > 0 else names

    def as_dict(self, *, limit: int | None = _SHOWN) -> dict[str, Any]:
        """Return the report as plain data; lists of names are cut at `limit` and counted."""
        counts = {name: getattr(self, name) for name in _COUNTS}
        return {
            "period": self.period_type,
            "first_day": self.first_day,
            "last_day": self.last_day,
            **{name: round(n, 3) if isinstance(n, float) else n for name, n in counts.items()},
            "peak_memory_mib": self.peak_memory_mib,
            "outcome": self.outcome.value,
            "failed": self.failed,
            "failures": [asdict(failure) for failure in self.failures[:limit]],
            "warnings": self.warnings[:limit],
            "unexplained": [
                {
                    "location": entry.location,
                    "day": str(entry.day),
                    "items": _number(entry.items),
                    "value": None if entry.value is None else str(entry.value),
                }
                for entry in self.unexplained[:limit]
            ],
            "unexplained_days": len(self.unexplained),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SnapshotReport:
        """Return the report that `as_dict` gave out, with the names that it kept."""
        return cls(
            period_type=data["period"],
            first_day=data["first_day"],
            last_day=data["last_day"],
            **{name: data[name] for name in (*_COUNTS, "peak_memory_mib")},
            failures=[Failure(**entry) for entry in data["failures"]],
            warnings=list(data["warnings"]),
            unexplained=[
                UnexplainedDay(
                    entry["location"],
                    date.fromisoformat(entry["day"]),
                    Decimal(str(entry["items"])),
                    None if entry["value"] is None else Decimal(entry["value"]),
                )
                for entry in data["unexplained"]
            ],
        )


def _number(quantity: int | Decimal) -> int | float:
    """Return a quantity as a number of JSON: pieces, or up to three decimals."""
    return int(quantity) if quantity == int(quantity) else float(quantity)


_COUNTS = tuple(
    entry.name
    for entry in fields(SnapshotReport)
    if entry.default == 0 and entry.metadata.get("adds_up", True)
)
