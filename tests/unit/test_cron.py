"""Cron strings of five fields or node-cron's six, and the times that they give."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests.support.moments import utc

from analytics_scheduler.cron import CronClock, parse_schedule

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("0 2 * * *", "0 2 * * *"),
        ("  0   2 *\t* *  ", "0 2 * * *"),
        ("*/15 9-17 * * 1-5", "*/15 9-17 * * 1-5"),
        ("0 3 * * SUN", "0 3 * * SUN"),
        ("0 4 L * *", "0 4 L * *"),
        # node-cron: the seconds come first.
        ("0 0 2 * * *", "0 2 * * *"),
        ("00 0 3 * * 0", "0 3 * * 0"),
        ("0 */6 9-17 * * 1-5", "*/6 9-17 * * 1-5"),
    ],
)
def test_parse_schedule_gives_five_fields(text: str, expression: str) -> None:
    assert parse_schedule(text) == expression


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "0 fields"),
        ("   ", "0 fields"),
        ("0 2 * *", "4 fields"),
        ("0 0 0 2 * * *", "7 fields"),
        ("30 0 2 * * *", "seconds field is '30'"),
        ("* 0 2 * * *", r"seconds field is '\*'"),
        ("*/10 0 2 * * *", "second 0 of a minute"),
        ("61 * * * *", "61"),
        ("0 25 * * *", "25"),
        ("0 2 * 13 *", "13"),
        ("at two in the night", "at two in the night|at"),
        ("0 2 * * someday", "someday"),
        ("0 2 31 2 * extra words", "7 fields"),
        ("@daily", "1 field$"),
        ("R 2 * * *", "random"),
        ("r(0-30) 2 * * *", "random"),
        ("0 2 * * * " + " " * 200, "longer than 100 characters"),
    ],
)
def test_parse_schedule_refuses_other_text(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_schedule(text)


def test_parse_schedule_refuses_an_impossible_date() -> None:
    with pytest.raises(ValueError, match="failed to find next date"):
        parse_schedule("0 2 30 2 *")


def test_clock_follows_the_time_zone() -> None:
    clock = CronClock("0 2 * * *", BERLIN)

    assert clock.next_times(utc("2026-10-23T12:00:00"), 3) == [
        utc("2026-10-24T00:00:00"),
        utc("2026-10-25T01:00:00"),  # 02:00 comes twice: the second one counts
        utc("2026-10-26T01:00:00"),
    ]
    assert clock.last_time(utc("2026-10-25T00:59:59")) == utc("2026-10-24T00:00:00")
    assert clock.last_time(utc("2026-10-25T01:00:00")) == utc("2026-10-25T01:00:00")


def test_clock_moves_a_skipped_time() -> None:
    clock = CronClock("30 2 * * *", NEW_YORK)

    assert clock.next_time(utc("2026-03-08T00:00:00")) == utc("2026-03-08T07:30:00")


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, ZoneInfo("UTC"), ZoneInfo("Asia/Kolkata")])
@pytest.mark.parametrize(
    "expression",
    ["0 2 * * *", "30 1 * * *", "30 2 * * *", "0 * * * *", "*/20 * * * *", "0 */6 * * *",
     "0 3 * * 0", "0 4 1 * *", "0 9-17 * * 1-5"],
)  # fmt: skip
@pytest.mark.parametrize("day", ["2026-03-06", "2026-03-27", "2026-10-23", "2026-10-30"])
def test_clock_agrees_with_airflow(expression: str, zone: ZoneInfo, day: str) -> None:
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
