"""Late movements are found and repaired, gaps are filled, and every change leaves its trace."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from tests.support.inventory import Analyst, Inventory, figures
from tests.support.moments import days_ago

from analytics_scheduler.snapshots import UnexplainedDay


@pytest.fixture
def shops(inventory: Inventory) -> tuple[UUID, UUID]:
    """Two shops that sell three milks a day from 1 to 20 March."""
    milk = inventory.product("2.00", "5.00")
    found = inventory.location("North"), inventory.location("South")
    for shop in found:
        inventory.move(shop, milk, "in", 1000, "2026-02-20T08:00")
        for day in range(1, 21):
            inventory.move(shop, milk, "out", 3, f"2026-03-{day:02}T12:00")
    return found


@pytest.fixture
def recent_shop(inventory: Inventory) -> UUID:
    """A shop that has sold three milks a day for the last 30 days."""
    milk = inventory.product("2.00", "5.00")
    shop = inventory.location("Market")
    inventory.move(shop, milk, "in", 1000, f"{days_ago(40)}T08:00")
    for day in range(1, 31):
        inventory.move(shop, milk, "out", 3, f"{days_ago(day)}T12:00")
    return shop


def milk_of(inventory: Inventory) -> UUID:
    found: UUID = inventory.value("SELECT product_id FROM stock_movements LIMIT 1")
    return found


def take_daily(analyst: Analyst, first: str, last: str) -> None:
    day = date.fromisoformat(first)
    while day <= date.fromisoformat(last):
        analyst.take(at=f"{day + timedelta(days=1)}T02:00")
        day += timedelta(days=1)


def marks(analyst: Analyst, where: str = "TRUE") -> list[tuple[Any, ...]]:
    return analyst.rows(
        f"SELECT id, xmin::text, ctid::text FROM analytics_snapshots WHERE {where} ORDER BY id"
    )


def test_late_movement_repairs_only_its_location(
    inventory: Inventory, analyst: Analyst, shops: tuple[UUID, UUID]
) -> None:
    north, south = shops
    take_daily(analyst, "2026-03-01", "2026-03-09")
    analyst.take("weekly", at="2026-03-08T03:00")
    untouched = f"location_id = '{south}' OR period_type = 'daily' AND period_start < '2026-03-06'"
    before = marks(analyst, untouched)
    inventory.move(north, milk_of(inventory), "out", 10, "2026-03-06T15:00")

    report = analyst.take(at="2026-03-11T02:00")

    # The 6th to the 9th are repaired; the 10th is new; the week of the 1st holds the 6th.
    assert (report.written, report.days_repaired, report.composed) == (2, 4, 1)
    assert report.unexplained == []
    assert before
    assert set(before) <= set(marks(analyst, untouched))
    assert str(analyst.row(north, "2026-03-06")["revenue"]) == "65.00"
    assert analyst.row(north, "2026-03-05")["total_items"] == 1000 - 15
    assert analyst.row(north, "2026-03-09")["total_items"] == 1000 - 27 - 10
    assert str(analyst.row(north, "2026-03-01", "weekly")["revenue"]) == "155.00"  # 7 x 15 + 50


def test_revision_keeps_figures_reason_and_run(
    inventory: Inventory, analyst: Analyst, shops: tuple[UUID, UUID]
) -> None:
    north, _ = shops
    take_daily(analyst, "2026-03-01", "2026-03-02")
    inventory.move(north, milk_of(inventory), "waste", 5, "2026-03-02T15:00")

    analyst.take(at="2026-03-04T02:00")

    rows = analyst.rows(
        "SELECT location_id, period_type, period_start, old_figures, new_figures, reason, run_id"
        " FROM analytics_snapshot_revisions"
    )
    assert len(rows) == 1
    location, period_type, start, old, new, reason, run_id = rows[0]
    assert (location, period_type, start) == (north, "daily", date(2026, 3, 2))
    assert (reason, run_id) == ("late data", "test at 2026-03-04T02:00")
    assert Decimal(str(old["wastage_value"])) == 0
    assert Decimal(str(new["wastage_value"])) == Decimal("10.00")
    assert (old["total_items"], new["total_items"]) == (994, 989)


@pytest.mark.parametrize("change", ["update", "delete", "move to another day", "other product"])
def test_changed_or_deleted_movement_found(
    inventory: Inventory, analyst: Analyst, shops: tuple[UUID, UUID], change: str
) -> None:
    north, _ = shops
    cream = inventory.product("7.00", "9.00")
    inventory.stock(north, cream, 50)
    take_daily(analyst, "2026-03-01", "2026-03-05")
    target = f"location_id = '{north}' AND created_at = '2026-03-04T12:00'"
    milk = milk_of(inventory)
    statements = {
        "update": f"UPDATE stock_movements SET quantity = 4 WHERE {target}",
        "delete": f"DELETE FROM stock_movements WHERE {target}",
        "move to another day": f"UPDATE stock_movements SET created_at = '2026-03-05T12:00'"
        f" WHERE {target}",
        "other product": f"UPDATE stock_movements SET product_id = '{cream}' WHERE {target}",
    }
    stock = {"update": (-1, 0), "delete": (3, 0), "other product": (3, -3)}.get(change, (0, 0))
    inventory.execute(statements[change])
    for product, difference in zip((milk, cream), stock, strict=True):
        inventory.execute(
            "UPDATE inventory_items SET quantity = quantity + %s"
            " WHERE location_id = %s AND product_id = %s",
            difference,
            north,
            product,
        )

    report = analyst.take(at="2026-03-07T02:00")

    assert report.days_repaired == 2
    revenue = {"update": 20, "delete": 0, "move to another day": 0, "other product": 27}[change]
    assert int(analyst.row(north, "2026-03-04")["revenue"]) == revenue
    assert report.unexplained == []


def test_late_movement_before_lookback_left(
    inventory: Inventory, analyst: Analyst, recent_shop: UUID
) -> None:
    take_daily(analyst, days_ago(15), days_ago(3))
    before = marks(analyst)
    inventory.move(recent_shop, milk_of(inventory), "out", 10, f"{days_ago(11)}T15:00")

    # The run looks back over the seven days before its own.
    report = analyst.take(at=f"{days_ago(1)}T02:00")

    assert report.days_repaired == 0
    assert set(before) <= set(marks(analyst))
    # The stock that went with it shows: the next day's opening is ten short of the last closing.
    assert [(entry.day, entry.items, entry.value) for entry in report.unexplained] == [
        (date.fromisoformat(days_ago(2)), 10, Decimal("20.00"))
    ]


def test_first_run_after_downtime_fills_gaps(
    inventory: Inventory, analyst: Analyst, shops: tuple[UUID, UUID]
) -> None:
    north, _ = shops
    take_daily(analyst, "2026-03-01", "2026-03-03")

    report = analyst.take(at="2026-03-18T02:00")

    # The 4th to the 16th were missing for two shops. The weeks of the 1st and the 8th are over and
    # whole; the week of the 15th is not over.
    assert (report.days_caught_up, report.written, report.composed) == (26, 2, 4)
    assert len(analyst.snapshots()) == 2 * 17
    assert [start for shop, start in analyst.snapshots("weekly") if shop == north] == [
        date(2026, 3, 1),
        date(2026, 3, 8),
    ]
    assert analyst.snapshots("monthly") == {}


def test_catch_up_bounded_by_setting(analyst: Analyst, shops: tuple[UUID, UUID]) -> None:
    take_daily(analyst, "2026-03-01", "2026-03-02")

    limited = replace(analyst, environ=(("SNAPSHOT_CATCHUP_DAYS", "3"),))
    report = limited.take(at="2026-03-18T02:00")

    assert report.days_caught_up == 6
    days = sorted({start.day for _, start in analyst.snapshots()})
    assert days == [1, 2, 14, 15, 16, 17]


def test_first_run_writes_no_earlier_day(analyst: Analyst, shops: tuple[UUID, UUID]) -> None:
    report = analyst.take(at="2026-03-18T02:00")

    assert (report.written, report.days_caught_up) == (2, 0)


def test_later_cost_does_not_rewrite_past(
    inventory: Inventory, analyst: Analyst, shops: tuple[UUID, UUID]
) -> None:
    north, south = shops
    milk = milk_of(inventory)
    take_daily(analyst, "2026-03-01", "2026-03-03")
    inventory.reprice(milk, cost="3.00", price="6.00")
    before = {key: figures(row) for key, row in analyst.snapshots().items()}

    report = analyst.take(at="2026-03-05T02:00")

    # 988 left, at the new cost; the opening differs from the closing of the day before by the new
    # cost alone, which is no unexplained value.
    assert str(analyst.row(south, "2026-03-04")["total_inventory_value"]) == "2964.00"
    assert report.unexplained == []
    kept = {key: figures(row) for key, row in analyst.snapshots().items() if key in before}
    assert kept == before

    # A late movement repairs its day at the prices that the day was valued at.
    inventory.move(north, milk, "out", 10, "2026-03-03T15:00")
    report = analyst.take(at="2026-03-06T02:00")

    assert report.days_repaired == 2
    assert report.unexplained == []
    assert figures(analyst.row(north, "2026-03-03")) == {
        "total_inventory_value": "1962.00",  # 981 x 2.00
        "total_items": "981",
        "turnover_ratio": "0.01",  # 26 / ((1988 + 1962) / 2) = 0.0132
        "wastage_value": "0.00",
        "wastage_percentage": "0.00",
        "revenue": "65.00",
        "cost_of_goods_sold": "26.00",
    }
    assert str(analyst.row(north, "2026-03-04")["total_inventory_value"]) == "2934.00"  # 978 x 3


def test_force_uses_current_prices_with_revision(
    inventory: Inventory, analyst: Analyst, shops: tuple[UUID, UUID]
) -> None:
    north, _ = shops
    take_daily(analyst, "2026-03-01", "2026-03-03")
    inventory.reprice(milk_of(inventory), cost="3.00", price="5.00")

    report = analyst.take(at="2026-03-05T02:00", day="2026-03-02", force=True)

    assert (report.changed, report.written) == (2, 0)
    assert str(analyst.row(north, "2026-03-02")["total_inventory_value"]) == "2982.00"  # 994 x 3
    reasons = analyst.rows("SELECT DISTINCT reason FROM analytics_snapshot_revisions")
    assert reasons == [("re-run",)]


def test_forced_run_under_other_settings(
    analyst: Analyst, shops: tuple[UUID, UUID], inventory: Inventory
) -> None:
    inventory.move(shops[0], milk_of(inventory), "waste", 5, "2026-03-02T13:00")
    take_daily(analyst, "2026-03-01", "2026-03-03")

    without_waste = replace(analyst, environ=(("COGS_INCLUDES_WASTE", "false"),))
    report = without_waste.take(at="2026-03-05T02:00", day="2026-03-02", force=True)

    assert (report.changed, report.unchanged) == (1, 1)
    reasons = analyst.rows("SELECT location_id, reason FROM analytics_snapshot_revisions")
    assert reasons == [(shops[0], "settings")]


def test_stock_edited_by_hand_warned_by_name(
    inventory: Inventory, analyst: Analyst, recent_shop: UUID
) -> None:
    take_daily(analyst, days_ago(5), days_ago(2))
    # Somebody finds four more than the 1000 - 30 x 3 that are there, and types it in.
    inventory.stock(recent_shop, milk_of(inventory), 914)

    report = analyst.take(at=f"{days_ago(0)}T02:00")

    yesterday = date.fromisoformat(days_ago(1))
    assert report.unexplained == [
        UnexplainedDay(f"Market [{recent_shop}]", yesterday, -4, Decimal("-8.00"))
    ]
    assert "Market" in str(report.unexplained[0])
    assert "changed by +4 items worth +8.00" in str(report.unexplained[0])
    kept = analyst.rows(
        "SELECT unexplained_items, unexplained_cents FROM analytics_snapshot_days WHERE day = %s",
        yesterday,
    )
    assert kept == [(-4, -800)]


def test_known_unexplained_value_stays_known(
    inventory: Inventory, analyst: Analyst, recent_shop: UUID
) -> None:
    """A sale turns out to be waste: the closing stays, and the next day has newer prices."""
    analyst.take(at=f"{days_ago(1)}T02:00")
    inventory.reprice(milk_of(inventory), cost="3.00")
    analyst.take(at=f"{days_ago(0)}T02:00")
    inventory.execute(
        "UPDATE stock_movements SET type = 'waste' WHERE created_at = %s", f"{days_ago(2)}T12:00"
    )

    report = analyst.take(at=f"{days_ago(0)}T02:00")

    assert report.days_repaired == 1
    kept = "SELECT unexplained_items, unexplained_cents FROM analytics_snapshot_days WHERE day = %s"
    assert analyst.rows(kept, date.fromisoformat(days_ago(1))) == [(0, 0)]


def test_failed_location_caught_up_when_fixed(
    inventory: Inventory, analyst: Analyst, shops: tuple[UUID, UUID]
) -> None:
    north, south = shops
    take_daily(analyst, "2026-03-01", "2026-03-02")
    inventory.move(north, milk_of(inventory), "theft", 1, "2026-03-03T12:00")
    report = analyst.take(at="2026-03-04T02:00")
    assert [failure.location for failure in report.failures] == [f"North [{north}]"]
    assert (south, date(2026, 3, 3)) in analyst.snapshots()

    inventory.execute("DELETE FROM stock_movements WHERE type = 'theft'")
    report = analyst.take(at="2026-03-05T02:00")

    assert (report.outcome, report.days_caught_up) == ("success", 1)
    assert (north, date(2026, 3, 3)) in analyst.snapshots()


def test_carried_day_equals_one_counted_back(
    inventory: Inventory, analyst: Analyst, shops: tuple[UUID, UUID]
) -> None:
    north, south = shops
    analyst.take(at="2026-06-01T00:00", day="2026-03-10")

    after = analyst.take(at="2026-06-01T01:00", day="2026-03-11")
    before = analyst.take(at="2026-06-01T02:00", day="2026-03-09")

    # Only the day's own two movements are read, not the three months since.
    assert (after.movements_read, before.movements_read) == (2, 2)
    for shop in (north, south):
        assert analyst.row(shop, "2026-03-09")["total_items"] == 1000 - 27
        assert analyst.row(shop, "2026-03-11")["total_items"] == 1000 - 33
    unexplained = analyst.rows("SELECT unexplained_cents FROM analytics_snapshot_days ORDER BY day")
    assert unexplained == [(None,), (None,), (0,), (0,), (0,), (0,)]


def test_closed_location_keeps_rows_gets_no_more(
    inventory: Inventory, analyst: Analyst, shops: tuple[UUID, UUID]
) -> None:
    north, south = shops
    take_daily(analyst, "2026-03-01", "2026-03-03")
    inventory.execute("UPDATE locations SET is_active = FALSE WHERE id = %s", north)

    report = analyst.take("weekly", at="2026-03-08T03:00")

    assert (report.outcome, report.written) == ("success", 1)
    assert [shop for shop, _ in analyst.snapshots("weekly")] == [south]
    assert len([shop for shop, _ in analyst.snapshots() if shop == north]) == 3
