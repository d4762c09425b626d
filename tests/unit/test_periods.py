"""Calendar periods: every expected date and instant is worked out by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from analytics_scheduler.errors import PeriodError
from analytics_scheduler.periods import Calendar, Period, parse_day
from analytics_scheduler.vocabulary import PeriodType

UTC_CALENDAR = Calendar(ZoneInfo("UTC"))
NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)  # a Sunday


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def calendar(zone: str) -> Calendar:
    return Calendar(ZoneInfo(zone))


@pytest.mark.parametrize(
    ("week_start", "first", "last"),
    [
        (0, date(2026, 3, 9), date(2026, 3, 15)),  # Monday
        (1, date(2026, 3, 10), date(2026, 3, 16)),
        (2, date(2026, 3, 11), date(2026, 3, 17)),
        (3, date(2026, 3, 12), date(2026, 3, 18)),
        (4, date(2026, 3, 13), date(2026, 3, 19)),
        (5, date(2026, 3, 14), date(2026, 3, 20)),
        (6, date(2026, 3, 15), date(2026, 3, 21)),  # Sunday
    ],
)
def test_a_week_begins_on_the_chosen_weekday(week_start: int, first: date, last: date) -> None:
    weeks = Calendar(ZoneInfo("UTC"), week_start)
    wanted = Period(first, last, PeriodType.WEEKLY)
    assert weeks.period_containing(PeriodType.WEEKLY, date(2026, 3, 15)) == wanted
    assert weeks.period_containing(PeriodType.WEEKLY, first) == wanted
    assert weeks.period_containing(PeriodType.WEEKLY, last) == wanted
    assert weeks.period_containing(PeriodType.WEEKLY, last + timedelta(days=1)).start > last


@pytest.mark.parametrize(
    ("day", "last"),
    [
        (date(2026, 1, 31), date(2026, 1, 31)),
        (date(2026, 2, 1), date(2026, 2, 28)),
        (date(2024, 2, 29), date(2024, 2, 29)),
        (date(2000, 2, 3), date(2000, 2, 29)),
        (date(2100, 2, 3), date(2100, 2, 28)),
        (date(2026, 4, 30), date(2026, 4, 30)),
        (date(2026, 12, 1), date(2026, 12, 31)),
    ],
)
def test_a_month_ends_on_its_last_day(day: date, last: date) -> None:
    period = UTC_CALENDAR.period_containing(PeriodType.MONTHLY, day)
    assert (period.start, period.end) == (day.replace(day=1), last)


def test_the_53rd_iso_week_spans_the_year_end() -> None:
    week = Calendar(ZoneInfo("UTC"), 0).period_containing(PeriodType.WEEKLY, date(2027, 1, 2))
    assert (week.start, week.end) == (date(2026, 12, 28), date(2027, 1, 3))
    assert week.start.isocalendar()[:2] == (2026, 53)


def test_the_sunday_week_spans_the_year_end() -> None:
    week = UTC_CALENDAR.period_containing(PeriodType.WEEKLY, date(2026, 1, 1))
    assert (week.start, week.end) == (date(2025, 12, 28), date(2026, 1, 3))


def test_a_period_shows_its_first_and_last_day() -> None:
    week = UTC_CALENDAR.period_containing(PeriodType.WEEKLY, date(2024, 2, 29))
    assert str(week) == "2024-02-25..2024-03-02"
    assert str(Period(date(2024, 2, 29), date(2024, 2, 29), PeriodType.DAILY)) == "2024-02-29"


def test_an_unknown_period_type_raises() -> None:
    class LaterPeriodType(StrEnum):
        HOURLY = "hourly"

    unknown: Any = LaterPeriodType.HOURLY
    with pytest.raises(AssertionError, match=r"unreachable.*HOURLY"):
        UTC_CALENDAR.period_containing(unknown, date(2026, 3, 15))


@pytest.mark.parametrize("period_type", PeriodType)
def test_every_period_type_has_a_period(period_type: PeriodType) -> None:
    period = UTC_CALENDAR.period_containing(period_type, date(2026, 3, 15))
    assert period.start <= date(2026, 3, 15) <= period.end
    assert period.period_type is period_type
    assert period_type.noun


@pytest.mark.parametrize(
    ("period_type", "moment", "start", "end"),
    [
        ("daily", "2026-03-15T00:00:00+00:00", "2026-03-14", "2026-03-14"),
        ("daily", "2026-03-14T23:59:59.999999+00:00", "2026-03-13", "2026-03-13"),
        ("daily", "2026-01-01T02:00:00+00:00", "2025-12-31", "2025-12-31"),
        ("weekly", "2026-03-15T00:00:00+00:00", "2026-03-08", "2026-03-14"),
        ("weekly", "2026-03-14T23:59:59.999999+00:00", "2026-03-01", "2026-03-07"),
        ("weekly", "2026-03-18T12:00:00+00:00", "2026-03-08", "2026-03-14"),
        ("monthly", "2026-03-01T00:00:00+00:00", "2026-02-01", "2026-02-28"),
        ("monthly", "2026-02-28T23:59:59.999999+00:00", "2026-01-01", "2026-01-31"),
        ("monthly", "2024-03-31T04:00:00+00:00", "2024-02-01", "2024-02-29"),
        ("monthly", "2026-01-15T04:00:00+00:00", "2025-12-01", "2025-12-31"),
    ],
)
def test_a_period_is_complete_once_it_has_ended(
    period_type: str, moment: str, start: str, end: str
) -> None:
    period = UTC_CALENDAR.last_complete_period(PeriodType(period_type), instant(moment))
    assert (str(period.start), str(period.end)) == (start, end)


def test_a_day_ends_at_midnight_in_its_zone() -> None:
    kolkata = calendar("Asia/Kolkata")
    before = kolkata.last_complete_period(PeriodType.DAILY, instant("2026-03-14T18:29:59+00:00"))
    after = kolkata.last_complete_period(PeriodType.DAILY, instant("2026-03-14T18:30:00+00:00"))
    assert (before.start, after.start) == (date(2026, 3, 13), date(2026, 3, 14))


@pytest.mark.parametrize(
    ("zone", "day", "start"),
    [
        ("UTC", "2026-03-08", "2026-03-08T00:00:00+00:00"),
        # New York: 8 March has 23 hours, 1 November has 25.
        ("America/New_York", "2026-03-08", "2026-03-08T05:00:00+00:00"),
        ("America/New_York", "2026-03-09", "2026-03-09T04:00:00+00:00"),
        ("America/New_York", "2026-11-01", "2026-11-01T04:00:00+00:00"),
        ("America/New_York", "2026-11-02", "2026-11-02T05:00:00+00:00"),
        # Lord Howe moves by half an hour: +11 in summer, +10:30 in winter.
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00+00:00"),
        ("Australia/Lord_Howe", "2026-04-06", "2026-04-05T13:30:00+00:00"),
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30:00+00:00"),
        ("Australia/Lord_Howe", "2026-10-05", "2026-10-04T13:00:00+00:00"),
        ("Asia/Kolkata", "2026-03-08", "2026-03-07T18:30:00+00:00"),
        # Midnight does not exist: the day begins at 01:00, the instant of the change.
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00+00:00"),
        ("America/Sao_Paulo", "2018-11-05", "2018-11-05T02:00:00+00:00"),
        ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00:00+00:00"),
        # Midnight comes twice: the first of the two counts.
        ("America/Havana", "2026-11-01", "2026-11-01T04:00:00+00:00"),
        # Apia skipped 30 December 2011: that day is empty, and begins when the next one does.
        ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00+00:00"),
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00+00:00"),
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00+00:00"),
        ("Pacific/Apia", "2012-01-01", "2011-12-31T10:00:00+00:00"),
    ],
)
def test_a_day_begins_at_its_first_instant(zone: str, day: str, start: str) -> None:
    assert calendar(zone).day_start(date.fromisoformat(day)) == instant(start)


@pytest.mark.parametrize(
    "zone",
    [
        "UTC",
        "America/New_York",
        "America/Sao_Paulo",
        "America/Havana",
        "Australia/Lord_Howe",
        "Asia/Beirut",
        "Asia/Kolkata",
        "Pacific/Apia",
        "Africa/Casablanca",
    ],
)
def test_days_have_no_gap_or_overlap(zone: str) -> None:
    days = calendar(zone)
    day, end = date(2011, 1, 1), date(2019, 12, 31)
    while day <= end:
        start, following = days.day_start(day), days.day_start(day + timedelta(days=1))
        if (zone, day) == ("Pacific/Apia", date(2011, 12, 30)):
            assert start == following, "a day that the zone skipped is empty"
        else:
            assert start < following, day
            assert days.day_of(start) == day
            assert days.day_of(following - timedelta(microseconds=1)) == day
        day += timedelta(days=1)


def test_a_date_gives_the_period_that_contains_it() -> None:
    period = UTC_CALENDAR.period_of_date(PeriodType.WEEKLY, date(2026, 3, 11), now=NOON)
    assert (period.start, period.end) == (date(2026, 3, 8), date(2026, 3, 14))


@pytest.mark.parametrize(
    ("period_type", "day", "words"),
    [
        ("daily", date(2026, 3, 16), ["2026-03-16", "future", "today is 2026-03-15", "UTC"]),
        (
            "daily",
            date(2026, 3, 15),
            ["day 2026-03-15", "not ended yet in UTC", "day is 2026-03-14"],
        ),
        (
            "weekly",
            date(2026, 3, 15),
            ["week 2026-03-15..2026-03-21", "not ended yet", "2026-03-08..2026-03-14"],
        ),
        (
            "monthly",
            date(2026, 3, 1),
            ["month 2026-03-01..2026-03-31", "not ended yet", "2026-02-01..2026-02-28"],
        ),
        ("daily", date(1969, 12, 31), ["1969-12-31", "too early", "1970-01-01"]),
        ("monthly", date(1, 1, 1), ["too early"]),
        ("weekly", date(9999, 12, 31), ["future"]),
    ],
)
def test_a_period_that_has_not_ended_is_refused(
    period_type: str, day: date, words: list[str]
) -> None:
    with pytest.raises(PeriodError) as caught:
        UTC_CALENDAR.period_of_date(PeriodType(period_type), day, now=NOON)
    for word in words:
        assert word in str(caught.value)


def test_a_day_ends_later_in_the_west() -> None:
    now = instant("2026-03-15T03:00:00+00:00")  # still the 14th in New York
    assert calendar("UTC").period_of_date(PeriodType.DAILY, date(2026, 3, 14), now=now)
    with pytest.raises(PeriodError, match="not ended yet in America/New_York"):
        calendar("America/New_York").period_of_date(PeriodType.DAILY, date(2026, 3, 14), now=now)


def test_a_range_gives_every_period_in_it() -> None:
    weeks = UTC_CALENDAR.periods_in_range(
        PeriodType.WEEKLY, date(2026, 2, 20), date(2026, 3, 2), now=NOON
    )
    assert [str(week) for week in weeks] == [
        "2026-02-15..2026-02-21",
        "2026-02-22..2026-02-28",
        "2026-03-01..2026-03-07",
    ]


def test_a_range_of_one_day_is_one_period() -> None:
    days = UTC_CALENDAR.periods_in_range(
        PeriodType.DAILY, date(2026, 3, 1), date(2026, 3, 1), now=NOON
    )
    assert [str(day) for day in days] == ["2026-03-01"]


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (date(2026, 3, 2), date(2026, 3, 1), "ends on 2026-03-01, before it starts"),
        (date(2026, 3, 1), date(2026, 3, 16), "future"),
        (date(2026, 3, 1), date(2026, 3, 15), "not ended yet"),
        (date(2021, 3, 1), date(2026, 3, 1), "longer than 5 years"),
        (date(1969, 12, 1), date(1970, 1, 1), "too early"),
    ],
)
def test_a_bad_range_is_refused(first: date, last: date, words: str) -> None:
    with pytest.raises(PeriodError, match=words):
        UTC_CALENDAR.periods_in_range(PeriodType.DAILY, first, last, now=NOON)


def test_a_range_may_last_exactly_five_years() -> None:
    days = UTC_CALENDAR.periods_in_range(
        PeriodType.DAILY, date(2021, 3, 1), date(2026, 2, 28), now=NOON
    )
    assert len(days) == 5 * 365 + 1  # 29 February 2024


def test_a_range_may_begin_on_a_leap_day() -> None:
    days = UTC_CALENDAR.periods_in_range(
        PeriodType.MONTHLY, date(2020, 2, 29), date(2025, 2, 28), now=NOON
    )
    assert len(days) == 61


def test_a_day_is_read_as_year_month_day() -> None:
    assert parse_day("2024-02-29") == date(2024, 2, 29)


@pytest.mark.parametrize(
    "text",
    ["", "2026-2-3", "20260203", "2026-W05-1", "03.02.2026", " 2026-02-03", "2026-02-03\n",
     "2026-02-03T00:00:00", "tomorrow", "٢٠٢٦-٠٢-٠٣"],
)  # fmt: skip
def test_another_form_of_a_day_is_refused(text: str) -> None:
    with pytest.raises(PeriodError, match="must have the form YYYY-MM-DD"):
        parse_day(text)


@pytest.mark.parametrize("text", ["2026-02-29", "2026-13-01", "2026-00-10", "0000-01-01"])
def test_a_day_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(PeriodError, match="does not exist"):
        parse_day(text)


def test_an_error_cuts_a_long_text() -> None:
    with pytest.raises(PeriodError) as caught:
        parse_day("x" * 10_000)
    assert len(str(caught.value)) < 100
