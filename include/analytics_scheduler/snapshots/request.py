"""What a run is asked for: which periods, how thoroughly, and in whose name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from analytics_scheduler.vocabulary import PeriodType

if TYPE_CHECKING:
    from datetime import date, datetime

    from analytics_scheduler.periods import Calendar, Period


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRequest:
    """Consecutive periods of one type, and how they are to be written.

    `catches_up` also fills in the days that are missing before the periods and repairs late
    movements, as the daily run does. `force` computes stored days again at current prices.
    """

    period_type: PeriodType
    periods: tuple[Period, ...]
    run_id: str
    catches_up: bool = False
    force: bool = False

    @property
    def first_day(self) -> date:
        """The first day of the first period."""
        return self.periods[0].start

    @property
    def last_day(self) -> date:
        """The last day of the last period."""
        return self.periods[-1].end

    @property
    def period_starts(self) -> list[date]:
        """The first day of each period."""
        return [period.start for period in self.periods]

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters of a statement that name the requested periods."""
        return {"period_type": self.period_type.value, "period_starts": self.period_starts}

    def describe(self) -> str:
        """Return the periods in words."""
        if len(self.periods) == 1:
            return f"{self.period_type} {self.periods[0]}"
        days = f"{self.first_day}..{self.last_day}"
        return f"{self.period_type} {days} ({len(self.periods)} periods)"


def request_for(
    period_type: PeriodType,
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

    Without a date it is the last period that was complete at `moment`; a date is a day inside the
    wanted period; a range is every period that holds one of its days. All of them must be complete
    at `now`.
    """
    catches_up = False
    if date_range is not None:
        periods = calendar.periods_in_range(period_type, *date_range, now=now)
    elif date_wanted is not None:
        periods = [calendar.period_of_date(period_type, date_wanted, now=now)]
    else:
        last = calendar.last_complete_period(period_type, moment)
        periods = [calendar.period_of_date(period_type, last.start, now=now)]
        catches_up = period_type is PeriodType.DAILY
    return SnapshotRequest(
        period_type=period_type,
        periods=tuple(periods),
        run_id=run_id,
        catches_up=catches_up,
        force=force,
    )
