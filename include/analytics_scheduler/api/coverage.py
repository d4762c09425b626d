"""How much of the last slots is written: active locations against the rows that are there."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from analytics_scheduler.api.probes import api_database_settings
from analytics_scheduler.database import connected, statement
from analytics_scheduler.errors import AnalyticsError
from analytics_scheduler.periods import Calendar, Period, Slot
from analytics_scheduler.settings import CalendarSettings

_SLOTS = {Period.DAILY: 7, Period.WEEKLY: 4, Period.MONTHLY: 3}


def last_slots(calendar: Calendar, now: datetime) -> list[Slot]:
    """Return the last complete slots of every period, the newest of each first."""
    slots: list[Slot] = []
    for period, count in _SLOTS.items():
        slot = calendar.last_complete_slot(period, now)
        for _ in range(count):
            slots.append(slot)
            slot = calendar.slot_containing(period, slot.start - timedelta(days=1))
    return slots


def coverage_of_periods(*, now: datetime) -> dict[str, Any]:
    """Return expected and written locations of the last slots, or why they cannot be counted."""
    try:
        slots = last_slots(CalendarSettings.load().calendar(), now)
        counts = _counts(slots)
    except AnalyticsError as error:
        return {"error": str(error)}
    return {
        period.value: [
            {
                "period_start": slot.start.isoformat(),
                "period_end": slot.end.isoformat(),
                "expected": expected,
                "written": written,
            }
            for slot, (expected, written) in zip(slots, counts, strict=True)
            if slot.period is period
        ]
        for period in _SLOTS
    }


def _counts(slots: list[Slot]) -> list[tuple[int, int]]:
    settings = api_database_settings()
    with connected(settings, through_airflow=True) as connection:
        rows = connection.execute(
            statement("api/read_coverage", settings),
            {
                "period_types": [slot.period.value for slot in slots],
                "period_starts": [slot.start for slot in slots],
            },
        ).fetchall()
    return [(row[2], row[3]) for row in rows]
