"""The record of a run: where its time went, how much memory it took, and what it expected."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.inventory import Analyst, Inventory
from tests.support.task_runs import TaskRuns, finished_run
from tests.support.webhook_receiver import WebhookReceiver

from analytics_scheduler.run_records import finish_run, is_recorded
from analytics_scheduler.settings import load_alert_settings
from analytics_scheduler.snapshots import SnapshotReport
from analytics_scheduler.vocabulary import Outcome


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


def test_repeated_run_has_one_record_and_alert(
    analyst: Analyst, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Airflow repeats a task whose process was killed after it had recorded the run."""
    for name, value in receiver.environ().items():
        monkeypatch.setenv(name, value)
    runs = TaskRuns(analyst.connection, analyst.database)
    run = finished_run("partial", run_id="r1", written=1)
    alerts = load_alert_settings()
    news = [finish_run(runs.queries, each, alerts) for each in (run, replace(run, report={}))]
    news.append(finish_run(runs.queries, replace(run, outcome=Outcome.SUCCESS), alerts))

    assert news == [True, False, True]
    assert runs.rows("SELECT outcome, report->>'written' FROM analytics_snapshot_runs") == [
        ("success", "1")
    ]
    assert [event for (event,) in runs.alerts("event")] == ["partial", "success", "recovered"]

    cleared = replace(run, started_at=run.started_at + timedelta(minutes=2))
    assert finish_run(runs.queries, cleared, alerts)
    assert runs.value("SELECT count(*) FROM analytics_snapshot_runs") == 2


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
