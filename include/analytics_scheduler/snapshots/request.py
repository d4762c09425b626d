"""What a run is asked for: which slots, how thoroughly, and in whose name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from analytics_scheduler.periods import Calendar, Period, Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRequest:
    """Consecutive slots of one period, and how they are to be written.

    `heals` also fills in the days missing before the slots and repairs late movements: what the
    daily run does. `force` computes stored days again at the prices of now.
    """

    period: Period
    slots: tuple[Slot, ...]
    run_id: str
    heals: bool = False
    force: bool = False

    @property
    def first_day(self) -> date:
        """The first day of the first slot."""
        return self.slots[0].start

    @property
    def last_day(self) -> date:
        """The last day of the last slot."""
        return self.slots[-1].end

    @property
    def slot_starts(self) -> list[date]:
        """The first day of each slot."""
        return [slot.start for slot in self.slots]

    @property
    def slot_ends(self) -> list[date]:
        """The last day of each slot."""
        return [slot.end for slot in self.slots]

    def describe(self) -> str:
        """Return the slots in words."""
        if len(self.slots) == 1:
            return f"{self.period} {self.slots[0]}"
        return f"{self.period} {self.first_day}..{self.last_day} ({len(self.slots)} slots)"


def request_for(
    period: Period,
    calendar: Calendar,
    *,
    run_id: str,
    moment: datetime,
    now: datetime,
    date_wanted: date | None = None,
    date_range: tuple[date, date] | None = None,
    force: bool = False,
) -> SnapshotRequest:
    """Return the request that a run stands for, or raise PeriodError.

    Without a date it is the last slot that was complete at `moment`; a date is a day inside the
    wanted slot; a range is every slot that holds one of its days. Both must be over at `now`.
    """
    heals = False
    if date_range is not None:
        slots = calendar.slots_in_range(period, *date_range, now=now)
    elif date_wanted is not None:
        slots = [calendar.slot_of_date(period, date_wanted, now=now)]
    else:
        last = calendar.last_complete_slot(period, moment)
        slots = [calendar.slot_of_date(period, last.start, now=now)]
        heals = period is Period.DAILY
    return SnapshotRequest(
        period=period, slots=tuple(slots), run_id=run_id, heals=heals, force=force
    )
