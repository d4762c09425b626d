"""Whether a task succeeds on schedule, worked out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.support.moments import utc

from analytics_scheduler.cron import CronClock
from analytics_scheduler.freshness import Success, assess, grace_of
from analytics_scheduler.periods import Calendar
from analytics_scheduler.vocabulary import FreshnessState

DAILY = CronClock("0 2 * * *", ZoneInfo("UTC"))
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def state(
    now: str, last_success: str | None, *, since: datetime = LONG_AGO, **more: object
) -> FreshnessState:
    running = more.get("running_since")
    return assess(
        DAILY,
        now=utc(now),
        since=since,
        last_success=utc(last_success) if last_success else None,
        running_since=running if isinstance(running, datetime) else None,
        paused=bool(more.get("paused")),
    ).state


def test_assess_fresh_until_the_grace_ends() -> None:
    assert state("2026-11-24T02:59:59", "2026-11-23T02:00:00") is FreshnessState.FRESH
    assert state("2026-11-24T03:00:00", "2026-11-23T02:00:00") is FreshnessState.OVERDUE
    assert state("2026-11-24T03:00:00", "2026-11-24T02:00:00") is FreshnessState.FRESH


def test_assess_waits_for_the_first_due_time() -> None:
    installed = utc("2026-11-23T12:00:00")

    assert state("2026-11-23T13:30:00", None, since=installed) is FreshnessState.WAITING
    assert state("2026-11-24T02:30:00", None, since=installed) is FreshnessState.WAITING
    assert state("2026-11-24T03:00:00", None, since=installed) is FreshnessState.OVERDUE


def test_assess_old_success_is_overdue() -> None:
    assert state("2026-11-24T10:00:00", "2026-11-01T02:00:00") is FreshnessState.OVERDUE


def test_assess_paused_task() -> None:
    assert state("2026-11-24T10:00:00", None, paused=True) is FreshnessState.PAUSED


def test_assess_running_within_the_grace() -> None:
    started = utc("2026-11-24T09:30:00")

    assert state("2026-11-24T10:00:00", None, running_since=started) is FreshnessState.RUNNING
    assert state("2026-11-24T10:30:00", None, running_since=started) is FreshnessState.OVERDUE


def test_assess_without_a_schedule() -> None:
    freshness = assess(None, now=utc("2026-11-24T10:00:00"), since=LONG_AGO, last_success=None)

    assert freshness.state is FreshnessState.UNSCHEDULED
    assert not freshness.is_overdue


@pytest.mark.parametrize(
    ("expression", "minutes"),
    [("* * * * *", 15), ("*/30 * * * *", 30), ("0 * * * *", 60), ("0 4 1 * *", 60)],
)
def test_grace_is_one_interval_within_bounds(expression: str, minutes: int) -> None:
    clock = CronClock(expression, ZoneInfo("UTC"))

    assert grace_of(clock, utc("2026-11-24T10:00:00")) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("task", "last_day", "moment"),
    [
        # Ended at 05:00 UTC, and a minute is allowed for the difference of the clocks.
        ("daily-snapshot", date(2026, 3, 10), "2026-03-11T05:01:00"),
        ("cache-cleanup", None, "2026-03-11T05:01:00"),
        # The 8th was the last complete day until the 9th ended, at 04:00 UTC in New York.
        ("daily-snapshot", date(2026, 3, 8), "2026-03-10T03:59:59.999999"),
        # The week to the 28th of February was the last complete one until the 7th of March ended.
        ("weekly-snapshot", date(2026, 2, 28), "2026-03-08T04:59:59.999999"),
        ("monthly-snapshot", date(2026, 1, 31), "2026-03-01T04:59:59.999999"),
    ],
)
def test_success_stands_for_its_period(task: str, last_day: date | None, moment: str) -> None:
    calendar = Calendar(ZoneInfo("America/New_York"))
    success = Success(utc("2026-03-11T05:00:00"), last_day)
    assert success.moment(task, calendar) == utc(moment)
