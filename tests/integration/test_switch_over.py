"""From a former service to the package: its table is adopted, without a gap or a double row."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tests.support.database import execute
from tests.support.documented_source import (
    DOCUMENTED_SOURCE,
    FORMER_SNAPSHOTS,
    FORMER_TABLE,
    emptied,
    role_of,
    settings_of,
)
from tests.support.inventory import Analyst, Inventory

from analytics_scheduler.cli import main
from analytics_scheduler.database import connected
from analytics_scheduler.migrations import MigrationReport, migrate
from analytics_scheduler.queries import Queries
from analytics_scheduler.snapshots.verify import verify_snapshots
from analytics_scheduler.source import check_source
from analytics_scheduler.vocabulary import CheckLevel, VerifyFinding

PAGE = Path(__file__).parents[2] / "include" / "docs" / "deployment.md"
FIRST = date(2026, 3, 1)
OLD_REVENUE = 1  # what the former service wrote every night, whatever was sold


class FormerService:
    """Writes one row a shop and night, or overwrites the existing one."""

    def __init__(self, url: str) -> None:
        self.url = url

    def write(self, day: str) -> None:
        execute(
            self.url,
            "INSERT INTO analytics_snapshots (location_id, period_type, period_start,"
            " period_end, revenue, total_inventory_value)"
            f" SELECT id, 'daily', '{day}', '{day}', {OLD_REVENUE}, 0 FROM locations"
            " ON CONFLICT (location_id, period_type, period_start)"
            " DO UPDATE SET revenue = excluded.revenue, total_inventory_value = 0",
        )


@pytest.fixture
def old_service(database_url: str) -> FormerService:
    """An inventory, and the former service's table."""
    execute(emptied(database_url), DOCUMENTED_SOURCE, FORMER_TABLE)
    return FormerService(database_url)


@pytest.fixture
def shops(old_service: FormerService, inventory: Inventory) -> list[UUID]:
    """Two shops that sell three milks a day at 5.00; the former service wrote nine nights."""
    milk = inventory.product("2.00", "5.00")
    found = [inventory.location("North"), inventory.location("South")]
    for shop in found:
        inventory.move(shop, milk, "in", 100, "2026-02-20T08:00")
        for number in range(14):
            day = FIRST + timedelta(days=number)
            inventory.move(shop, milk, "out", 3, f"{day}T12:00")
    for number in range(9):
        old_service.write(str(FIRST + timedelta(days=number)))
    return found


def adopt(analyst: Analyst) -> MigrationReport:
    return migrate(Queries(analyst.connection, analyst.database))


def revenue_by_day(analyst: Analyst) -> dict[str, list[int]]:
    """Return the revenue of every row, by its first day."""
    found: dict[str, list[int]] = {}
    for day, revenue in analyst.rows(
        "SELECT period_start::text, revenue FROM analytics_snapshots"
        " WHERE period_type = 'daily' ORDER BY period_start"
    ):
        found.setdefault(day, []).append(int(revenue))
    return found


def documented_comparison() -> str:
    """Return the page's statement that compares a trial with the old rows."""
    block = re.search(r"^ +SELECT location_id, period_start,(?:.*\n)+?.*;$", PAGE.read_text(), re.M)
    assert block is not None
    return block.group()


def test_no_day_is_missing_or_double(
    old_service: FormerService, shops: list[UUID], analyst: Analyst
) -> None:
    old_rows = analyst.rows(FORMER_SNAPSHOTS)
    assert adopt(analyst).adopted_rows == len(old_rows) == 18

    # One night both write: the former service at one o'clock, the package at two.
    old_service.write("2026-03-10")
    analyst.take(at="2026-03-11T02:00")
    # Then nobody writes for two nights, and after that only the package.
    report = analyst.take(at="2026-03-14T02:00")

    assert report.days_caught_up == 2 * len(shops)
    kept = {str(FIRST + timedelta(days=n)): [OLD_REVENUE] * 2 for n in range(9)}
    new = {str(FIRST + timedelta(days=n)): [15] * 2 for n in range(9, 13)}
    assert revenue_by_day(analyst) == kept | new
    assert (
        analyst.rows(
            FORMER_SNAPSHOTS.replace("ORDER BY", "WHERE period_start < '2026-03-10' ORDER BY")
        )
        == old_rows
    )
    # The revisions keep what the former service wrote after the adoption.
    assert analyst.rows(
        "SELECT period_start::text, (old_figures->>'revenue')::numeric::int,"
        " (new_figures->>'revenue')::numeric::int FROM analytics_snapshot_revisions"
    ) == [("2026-03-10", OLD_REVENUE, 15)] * len(shops)
    assert verify_snapshots(analyst.connection, analyst.settings).findings == []

    # The week has days of the former service; it is computed from the movements all the same.
    analyst.take("weekly", at="2026-03-15T03:00")
    assert [int(row["revenue"]) for row in analyst.snapshots("weekly").values()] == [7 * 15] * 2


def test_days_before_the_first_run_are_caught_up(shops: list[UUID], analyst: Analyst) -> None:
    """The former service stopped after 9 March; the package first runs on the 14th."""
    adopt(analyst)

    report = analyst.take(at="2026-03-14T02:00")

    assert report.days_caught_up == 3 * len(shops)
    kept = {str(FIRST + timedelta(days=n)): [OLD_REVENUE] * 2 for n in range(9)}
    new = {str(FIRST + timedelta(days=n)): [15] * 2 for n in range(9, 13)}
    assert revenue_by_day(analyst) == kept | new
    assert analyst.take(at="2026-03-15T02:00").days_caught_up == 0


def test_rows_of_a_cron_still_running_are_repaired(
    old_service: FormerService, shops: list[UUID], analyst: Analyst
) -> None:
    adopt(analyst)
    analyst.take(at="2026-03-11T02:00")
    old_service.write("2026-03-10")

    found = verify_snapshots(analyst.connection, analyst.settings).wrong
    assert {(str(each.first_day), each.finding) for each in found} == {
        ("2026-03-10", VerifyFinding.ROW_DIFFERS)
    }
    analyst.take(at="2026-03-11T09:00", day="2026-03-10")
    assert revenue_by_day(analyst)["2026-03-10"] == [15, 15]
    assert verify_snapshots(analyst.connection, analyst.settings).findings == []


def test_a_replaced_history_stays_as_revisions(shops: list[UUID], analyst: Analyst) -> None:
    adopt(analyst)
    analyst.take(at="2026-03-11T02:00", days=("2026-03-01", "2026-03-09"), force=True)

    assert set(map(tuple, revenue_by_day(analyst).values())) == {(15, 15)}
    assert analyst.rows("SELECT count(*) FROM analytics_snapshot_revisions") == [(18,)]


def test_a_trial_leaves_the_former_table_alone(
    shops: list[UUID],
    analyst: Analyst,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = analyst.rows(FORMER_SNAPSHOTS)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("ANALYTICS_SCHEMA", "trial")
    for arguments in (
        ["migrate"],
        ["run", "daily", "--from", "2026-03-01", "--to", "2026-03-07"],
        ["verify"],
    ):
        assert main(arguments) == 0, arguments

    differing: list[tuple[Any, ...]] = analyst.rows(documented_comparison())
    assert {(str(row[1]), int(row[2]), int(row[3])) for row in differing} == {
        (str(FIRST + timedelta(days=number)), OLD_REVENUE, 15) for number in range(7)
    }
    assert analyst.rows(FORMER_SNAPSHOTS) == before
    ours = (
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ '^analytics'"
    )
    assert analyst.rows(ours) == [("analytics_snapshots",)]


def test_check_gives_the_statement_that_hands_over(shops: list[UUID], database_url: str) -> None:
    """The former service's role owns the table; the package's role must own it to migrate."""
    with role_of(database_url) as (role, role_url):
        execute(
            database_url,
            f"GRANT CREATE ON SCHEMA public TO {role}",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON analytics_snapshots TO {role}",
        )
        settings = settings_of(role_url)
        with connected(settings) as connection:
            [error] = [
                finding
                for finding in check_source(Queries(connection, settings))
                if finding.level is CheckLevel.ERROR
            ]
        assert "does not own the table public.analytics_snapshots" in error.what
        execute(database_url, error.run)
        with connected(settings) as connection:
            assert migrate(Queries(connection, settings)).adopted_rows == 18
