"""A task's pulse: worked out by hand, and its times held against Airflow's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from analytics_scheduler.cron import CronClock
from analytics_scheduler.freshness import assess, grace_of
from analytics_scheduler.vocabulary import FreshnessState

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
DAILY = CronClock("0 2 * * *", ZoneInfo("UTC"))
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


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


def test_a_task_is_fresh_until_an_hour_after_its_next_time() -> None:
    assert state("2026-11-24T02:59:59", "2026-11-23T02:00:00") is FreshnessState.FRESH
    assert state("2026-11-24T03:00:00", "2026-11-23T02:00:00") is FreshnessState.OVERDUE
    assert state("2026-11-24T03:00:00", "2026-11-24T02:00:00") is FreshnessState.FRESH


def test_a_task_that_never_succeeded_is_overdue_once_a_time_has_passed() -> None:
    installed = utc("2026-11-23T12:00:00")

    assert state("2026-11-23T13:30:00", None, since=installed) is FreshnessState.WAITING
    assert state("2026-11-24T02:30:00", None, since=installed) is FreshnessState.WAITING
    assert state("2026-11-24T03:00:00", None, since=installed) is FreshnessState.OVERDUE


def test_a_filled_in_past_does_not_make_a_task_fresh() -> None:
    assert state("2026-11-24T10:00:00", "2026-11-01T02:00:00") is FreshnessState.OVERDUE


def test_a_paused_task_owes_nothing() -> None:
    assert state("2026-11-24T10:00:00", None, paused=True) is FreshnessState.PAUSED


def test_a_run_that_just_began_is_given_its_time() -> None:
    begun = utc("2026-11-24T09:30:00")

    assert state("2026-11-24T10:00:00", None, running_since=begun) is FreshnessState.RUNNING
    assert state("2026-11-24T10:30:00", None, running_since=begun) is FreshnessState.OVERDUE


def test_a_task_without_a_schedule_is_none_of_these() -> None:
    freshness = assess(None, now=utc("2026-11-24T10:00:00"), since=LONG_AGO, last_success=None)

    assert freshness.state is FreshnessState.UNSCHEDULED
    assert not freshness.is_overdue


@pytest.mark.parametrize(
    ("expression", "minutes"),
    [("* * * * *", 15), ("*/30 * * * *", 30), ("0 * * * *", 60), ("0 4 1 * *", 60)],
)
def test_the_grace_is_one_interval_within_bounds(expression: str, minutes: int) -> None:
    clock = CronClock(expression, ZoneInfo("UTC"))

    assert grace_of(clock, utc("2026-11-24T10:00:00")) == timedelta(minutes=minutes)


def test_times_are_those_of_the_zone() -> None:
    clock = CronClock("0 2 * * *", BERLIN)

    assert clock.next_times(utc("2026-10-23T12:00:00"), 3) == [
        utc("2026-10-24T00:00:00"),
        utc("2026-10-25T01:00:00"),  # 02:00 comes twice: the second
        utc("2026-10-26T01:00:00"),
    ]
    assert clock.last_time(utc("2026-10-25T00:59:59")) == utc("2026-10-24T00:00:00")
    assert clock.last_time(utc("2026-10-25T01:00:00")) == utc("2026-10-25T01:00:00")


def test_a_time_that_the_clocks_leave_out_comes_right_after() -> None:
    clock = CronClock("30 2 * * *", NEW_YORK)

    assert clock.next_time(utc("2026-03-08T00:00:00")) == utc("2026-03-08T07:30:00")


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, ZoneInfo("UTC"), ZoneInfo("Asia/Kolkata")])
@pytest.mark.parametrize(
    "expression",
    ["0 2 * * *", "30 1 * * *", "30 2 * * *", "0 * * * *", "*/20 * * * *", "0 */6 * * *",
     "0 3 * * 0", "0 4 1 * *", "0 9-17 * * 1-5"],
)  # fmt: skip
@pytest.mark.parametrize("day", ["2026-03-06", "2026-03-27", "2026-10-23", "2026-10-30"])
def test_times_are_those_that_airflow_computes(expression: str, zone: ZoneInfo, day: str) -> None:
    from airflow.timetables.base import DataInterval, TimeRestriction
    from airflow.timetables.trigger import CronTriggerTimetable
    from pendulum import instance

    timetable = CronTriggerTimetable(expression, timezone=zone.key)
    clock = CronClock(expression, zone)
    moment = clock.next_time(utc(f"{day}T00:00:00"))
    for _ in range(30):
        last = DataInterval.exact(instance(moment))
        following = timetable.next_dagrun_info(
            last_automated_data_interval=last, restriction=TimeRestriction(None, None, True)
        )
        assert following is not None
        expected = datetime.fromisoformat(following.run_after.isoformat())
        assert clock.next_time(moment) == expected
        assert clock.last_time(expected) == expected
        assert clock.last_time(expected - timedelta(seconds=1)) == moment
        moment = expected
