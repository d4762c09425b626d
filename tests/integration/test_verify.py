"""Stored rows are proved from the raw movements, and what differs is named with its reason."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.support.inventory import Analyst, Inventory

from analytics_scheduler.snapshots.verify import VerifyReport, verify_snapshots


@pytest.fixture
def books(inventory: Inventory, analyst: Analyst) -> tuple[UUID, UUID, UUID]:
    """Two shops with a fortnight of days and a week, all right; and their milk."""
    milk = inventory.product("2.00", "5.00")
    shops = inventory.location("North"), inventory.location("South")
    for shop in shops:
        inventory.move(shop, milk, "in", 1000, "2026-02-20T08:00")
        for day in range(1, 15):
            inventory.move(shop, milk, "out", 3, f"2026-03-{day:02}T12:00")
    analyst.take(at="2026-03-16T02:00", days=("2026-03-01", "2026-03-14"))
    analyst.take("weekly", at="2026-03-08T03:00")
    return (*shops, milk)


def verify(analyst: Analyst, sample: int | None = None) -> VerifyReport:
    return verify_snapshots(analyst.connection, analyst.settings, sample=sample)


def wrong_rows(report: VerifyReport) -> list[tuple[str, str, date, str]]:
    return sorted(
        (entry.location.split(" [")[0], entry.period_type, entry.first_day, entry.finding.meaning)
        for entry in report.wrong
    )


def test_verify_right_rows(analyst: Analyst, books: tuple[UUID, UUID, UUID]) -> None:
    report = verify(analyst)

    assert (report.rows, report.findings) == (30, [])


def test_verify_names_rows_of_late_movement(
    inventory: Inventory, analyst: Analyst, books: tuple[UUID, UUID, UUID]
) -> None:
    north, _, milk = books
    inventory.move(north, milk, "out", 10, "2026-03-06T15:00")

    report = verify(analyst)

    # The week, the day itself and the eight after it, whose closing stock rests on it.
    assert wrong_rows(report) == [
        *(("North", "daily", date(2026, 3, day), "movements changed") for day in range(6, 15)),
        ("North", "weekly", date(2026, 3, 1), "movements changed"),
    ]


def test_verify_tells_changed_cost_apart(
    inventory: Inventory, analyst: Analyst, books: tuple[UUID, UUID, UUID]
) -> None:
    _, _, milk = books
    inventory.reprice(milk, cost="3.00")

    report = verify(analyst)

    assert report.wrong == []
    assert report.counts() == {"cost or price changed since": 30}


def test_verify_names_edited_row(analyst: Analyst, books: tuple[UUID, UUID, UUID]) -> None:
    _, south, _ = books
    analyst.execute(
        "UPDATE analytics_snapshots SET revenue = revenue + 0.01"
        " WHERE location_id = %s AND period_start = '2026-03-09'",
        south,
    )

    assert wrong_rows(verify(analyst)) == [
        ("South", "daily", date(2026, 3, 9), "the row is not what its days give")
    ]


def test_verify_names_stock_edited_after_last_day(
    inventory: Inventory, analyst: Analyst, books: tuple[UUID, UUID, UUID]
) -> None:
    north, _, milk = books
    inventory.stock(north, milk, 900)

    report = verify(analyst)

    assert {entry.finding.meaning for entry in report.wrong} == {"stock changed without a movement"}
    assert len(report.wrong) == 15


def test_verify_accepts_noted_stock_edit(inventory: Inventory, analyst: Analyst) -> None:
    milk = inventory.product("2.00", "5.00")
    shop = inventory.location("Market")
    inventory.move(shop, milk, "in", 100, "2026-01-01T08:00")
    today = datetime.now(UTC).date()
    for back in (3, 2):
        analyst.take(at=f"{today - timedelta(days=back - 1)}T02:00")
    inventory.stock(shop, milk, 104)
    analyst.take(at=f"{today}T02:00")

    report = verify(analyst)

    assert report.wrong == []
    assert report.counts() == {"stock edited, as was noted": 2}


def test_verify_sample_size(analyst: Analyst, books: tuple[UUID, UUID, UUID]) -> None:
    assert verify(analyst, sample=7).rows == 7


def test_verify_skips_adopted_and_other_zone(
    analyst: Analyst, books: tuple[UUID, UUID, UUID]
) -> None:
    north, _, _ = books
    analyst.execute(
        "WITH old AS (INSERT INTO analytics_snapshots (location_id, period_type, period_start,"
        " period_end, revenue) VALUES (%s, 'daily', '2026-01-02', '2026-01-02', 1.23)"
        " RETURNING id) INSERT INTO analytics_snapshot_adopted SELECT id FROM old",
        north,
    )

    assert verify(analyst).rows == 30
    elsewhere = verify(replace(analyst, timezone="Asia/Kolkata"))
    assert elsewhere.wrong == []
    assert elsewhere.counts() == {"counted in another time zone": 30}


def test_verify_command_exits_1_and_names_rows(
    inventory: Inventory, analyst: Analyst, books: tuple[UUID, UUID, UUID], database_url: str
) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "analytics_scheduler", "verify", *words],
            env={"PATH": os.environ["PATH"], "DATABASE_URL": database_url},
            capture_output=True,
            text=True,
            check=False,
        )

    assert run().returncode == 0
    north, _, milk = books
    inventory.move(north, milk, "waste", 1, "2026-03-14T15:00")

    found = run()
    assert found.returncode == 1
    assert f"North [{north}]: daily 2026-03-14: movements changed" in found.stderr
    data: dict[str, Any] = json.loads(run("--json").stdout)
    assert (data["success"], data["rows"], data["findings"]) == (
        False,
        30,
        {"movements changed": 1},
    )
    assert "--sample must be 1 or more, got 0." in run("--sample", "0").stderr
