"""How a finished run is described: in a log line, a sentence and an alert event."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from analytics_scheduler.run_records import FinishedRun, reason_of
from analytics_scheduler.vocabulary import AlertEvent, Outcome


def run_with(outcome: Outcome, report: dict[str, Any] | None = None, **more: Any) -> FinishedRun:
    return FinishedRun(
        task="cache-cleanup",
        run_id="manual run",
        outcome=outcome,
        started_at=datetime(2026, 3, 1, 2, 0, 0, tzinfo=UTC),
        finished_at=datetime(2026, 3, 1, 2, 0, 1, 500_000, tzinfo=UTC),
        report={**(report or {}), **more},
    )


def failure(location: str, days: str = "") -> dict[str, str]:
    return {"location": location, "reason": "no cost", "days": days}


def test_log_line_quotes_values_where_needed() -> None:
    report = {"outcome": "x", "reason": "away\nnow", "removed": 3, "failures": ["a"], "x": None}
    run = run_with(Outcome.DEFERRED, report)
    assert run.log_line() == (
        "event=run task=cache-cleanup run='manual run' outcome=deferred elapsed_seconds=1.5 "
        "reason='away\\nnow' removed=3"
    )


@pytest.mark.parametrize(
    ("run", "sentence"),
    [
        (run_with(Outcome.SUCCESS, reason="ignored"), "cache-cleanup succeeded."),
        (run_with(Outcome.FAILED), "cache-cleanup failed."),
        (run_with(Outcome.FAILED, reason="no table"), "cache-cleanup failed: no table"),
        (
            run_with(Outcome.PARTIAL, warnings=["out of time", "and more"]),
            "cache-cleanup was not completed: out of time; and more",
        ),
        (
            run_with(Outcome.PARTIAL, failures=[failure("North", "2026-03-01"), failure("South")]),
            "cache-cleanup was not completed: North (2026-03-01): no cost; South: no cost",
        ),
        (
            run_with(Outcome.PARTIAL, failures=[failure(name) for name in "ABCD"], failed=30),
            "cache-cleanup was not completed: A: no cost; B: no cost; C: no cost; and 27 more",
        ),
    ],
)
def test_sentence_gives_the_reason(run: FinishedRun, sentence: str) -> None:
    assert run.sentence() == sentence


def test_event_follows_from_the_outcome() -> None:
    assert [run_with(outcome).event for outcome in Outcome] == [
        AlertEvent.SUCCESS,
        AlertEvent.PARTIAL,
        AlertEvent.FAILURE,
        None,
    ]


def test_last_day_is_read_from_the_report() -> None:
    assert run_with(Outcome.SUCCESS, last_day="2026-02-28").last_day == date(2026, 2, 28)
    assert run_with(Outcome.SUCCESS).last_day is None


def test_reason_of_is_short_and_hides_passwords() -> None:
    assert reason_of(ValueError("no  such\ntable")) == "no such table"
    assert reason_of(ValueError()) == "ValueError"
    assert "stopped from outside" in reason_of(None)
    assert reason_of("at postgresql://u:hidden@h/d") == "at postgresql://u:***@h/d"
    assert len(reason_of("x" * 1000)) == 503
