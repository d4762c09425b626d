"""Cron strings of five fields, and node-cron's six with the seconds first."""

from __future__ import annotations

import pytest

from analytics_scheduler.cron import parse_schedule


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
def test_a_schedule_is_understood(text: str, expression: str) -> None:
    assert str(parse_schedule(text)) == expression


@pytest.mark.parametrize(
    ("text", "words"),
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
        ("@daily", "1 fields"),
        ("R 2 * * *", "random"),
        ("r(0-30) 2 * * *", "random"),
        ("0 2 * * * " + " " * 200, "longer than 100 characters"),
    ],
)
def test_a_schedule_that_cannot_be_kept_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_schedule(text)


def test_a_schedule_that_never_comes_is_refused() -> None:
    with pytest.raises(ValueError, match="failed to find next date"):
        parse_schedule("0 2 30 2 *")
