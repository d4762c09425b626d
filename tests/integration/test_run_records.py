"""The record of a run: where its time went, how much memory it took, and what it expected."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.inventory import Analyst, Inventory
from tests.support.task_runs import TaskRuns, finished_run

from analytics_scheduler.run_records import is_recorded
from analytics_scheduler.snapshots import SnapshotReport


def test_report_has_phases_and_peak_memory(inventory: Inventory, analyst: Analyst) -> None:
    inventory.location("North")
    report = analyst.take(at="2026-03-11T02:00")
    assert report.expected == 1
    assert report.lock_seconds > 0
    assert report.days_seconds > 0
    assert report.compose_seconds > 0
    phases = report.lock_seconds + report.days_seconds + report.compose_seconds
    assert phases <= report.seconds
    total = SnapshotReport.from_dict(report.as_dict())
    total.add(SnapshotReport.from_dict(report.as_dict()))
    assert total.compose_seconds == pytest.approx(2 * report.compose_seconds, abs=0.01)
    assert total.peak_memory_mib == report.peak_memory_mib > 5


def test_finish_run_stores_the_report_and_logs(
    inventory: Inventory, analyst: Analyst, caplog: pytest.LogCaptureFixture
) -> None:
    inventory.location("North")
    report = analyst.take(at="2026-03-11T02:00")
    with caplog.at_level(logging.INFO, logger="analytics_scheduler.run_records"):
        TaskRuns(analyst.connection, analyst.database).record(run_id="r1", **report.as_dict())
    [line] = [record.getMessage() for record in caplog.records]
    assert line.startswith("event=run task=daily-snapshot run=r1 outcome=success elapsed_seconds=")
    assert " expected=1 locations=1 written=1 " in line
    assert " compose_seconds=" in line
    [(stored,)] = analyst.rows("SELECT report FROM analytics_snapshot_runs")
    assert stored["peak_memory_mib"] == report.peak_memory_mib
    assert stored["days_seconds"] == round(report.days_seconds, 3)


def test_is_recorded_looks_back_to_the_start(analyst: Analyst) -> None:
    """A run that is cleared starts again: its first record does not count any more."""
    runs = TaskRuns(analyst.connection, analyst.database)
    run = finished_run("failed", run_id="r1")
    assert not is_recorded(runs.queries, run)
    runs.record("failed", run_id="r1")
    assert is_recorded(runs.queries, run)
    assert not is_recorded(runs.queries, replace(run, task="weekly-snapshot"))
    assert not is_recorded(runs.queries, replace(run, run_id="r2"))
    cleared = replace(run, started_at=run.started_at + timedelta(minutes=2))
    assert not is_recorded(runs.queries, cleared)


def test_expected_counts_active_locations_and_periods(
    inventory: Inventory, analyst: Analyst
) -> None:
    inventory.location("North")
    inventory.location("South")
    inventory.location("Closed", is_active=False)
    report = analyst.take(at="2026-03-11T02:00", days=("2026-03-08", "2026-03-10"))
    assert (report.expected, report.written) == (6, 6)
    bad, milk = inventory.location("Bad"), inventory.product()
    inventory.move(bad, milk, "theft", 1, "2026-03-10T12:00")
    report = analyst.take(at="2026-03-11T02:10")
    assert (report.expected, report.unchanged, len(report.failures)) == (3, 2, 1)
