"""The record of a run says where its time went, and what memory it took."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import pytest
from tests.support.inventory import Analyst, Inventory

from analytics_scheduler.run_records import record_run
from analytics_scheduler.snapshots import SnapshotReport


def test_a_run_is_recorded_with_its_phases_and_memory_and_logged_in_one_line(
    inventory: Inventory, analyst: Analyst, caplog: pytest.LogCaptureFixture
) -> None:
    inventory.location("North")
    report = analyst.take(at="2026-03-11T02:00")
    assert report.expected == 1
    assert report.lock_seconds > 0
    assert report.days_seconds > 0
    assert report.compose_seconds > 0
    phases = report.lock_seconds + report.days_seconds + report.compose_seconds
    assert phases <= report.seconds
    again = SnapshotReport.from_dict(report.as_dict())
    again.add(SnapshotReport.from_dict(report.as_dict()))
    assert again.compose_seconds == pytest.approx(2 * report.compose_seconds, abs=0.01)
    assert again.peak_memory_mib == report.peak_memory_mib > 5

    with caplog.at_level(logging.INFO, logger="analytics_scheduler.run_records"):
        record_run(
            analyst.connection,
            analyst.database,
            task="daily-snapshot",
            run_id="r1",
            outcome=report.outcome,
            started_at=datetime.now(UTC),
            report=report.as_dict(),
        )
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("event=run task=daily-snapshot run=r1 outcome=success elapsed_seconds=")
    assert " expected=1 locations=1 written=1 " in line
    assert " compose_seconds=" in line
    ((stored,),) = analyst.table("SELECT report FROM analytics_snapshot_runs")
    assert stored["peak_memory_mib"] == report.peak_memory_mib
    assert stored["days_seconds"] == round(report.days_seconds, 3)


def test_what_is_expected_is_every_active_location_in_every_slot(
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
