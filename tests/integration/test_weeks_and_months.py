"""Weeks and months are composed from days, and land on the periods of the calendar."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from tests.support.inventory import Analyst, Inventory, figures

from analytics_scheduler.errors import PeriodError
from analytics_scheduler.snapshots.metrics import METRICS


def shop_with_daily_sales(inventory: Inventory, first: date, days: int) -> UUID:
    """A delivery of 10,000 on the day before, then n sold on the n-th day, one of them wasted."""
    shop = inventory.location()
    milk = inventory.product("2.00", "5.00")
    inventory.move(shop, milk, "in", 10_000, f"{first - timedelta(days=1)}T08:00")
    for number in range(1, days + 1):
        day = first + timedelta(days=number - 1)
        inventory.move(shop, milk, "out", number, f"{day}T12:00")
        inventory.move(shop, milk, "waste", 1, f"{day}T20:00")
    return shop


def test_week_is_sum_of_days(inventory: Inventory, analyst: Analyst) -> None:
    # 2026-03-01 is a Sunday.
    shop = shop_with_daily_sales(inventory, date(2026, 3, 1), 9)

    report = analyst.take("weekly", at="2026-03-08T03:00")

    # Sold 1 + ... + 7 = 28, wasted 7; opening 10,000, closing 9,965.
    # Left for good 35 x 2.00 = 70.00; average (20,000 + 19,930) / 2; 70 / 19,965 = 0.0035.
    assert (report.written, report.days_written) == (1, 7)
    assert figures(analyst.row(shop, "2026-03-01", "weekly")) == {
        "total_inventory_value": "19930.00",
        "total_items": "9965",
        "turnover_ratio": "0.00",
        "wastage_value": "14.00",
        "wastage_percentage": "20.00",
        "revenue": "140.00",
        "cost_of_goods_sold": "70.00",
    }
    assert analyst.row(shop, "2026-03-01", "weekly")["period_end"] == date(2026, 3, 7)


def test_additive_figures_add_up(inventory: Inventory, analyst: Analyst) -> None:
    """Exactly the figures that are declared additive are the sums of their days.

    None of them is 0: a figure that these movements leave at 0 needs more of them.
    """
    shop = inventory.location()
    milk = inventory.product("2.00", "5.00")
    inventory.move(shop, milk, "in", 100, "2026-02-28T08:00")
    for day in range(1, 8):
        inventory.move(shop, milk, "out", 10, f"2026-03-0{day}T12:00")
        inventory.move(shop, milk, "waste", 1, f"2026-03-0{day}T20:00")

    analyst.take("weekly", at="2026-03-08T03:00")

    week = analyst.row(shop, "2026-03-01", "weekly")
    days = list(analyst.snapshots().values())
    assert len(days) == 7
    sums = {metric.name: sum(day[metric.name] for day in days) for metric in METRICS}
    assert all(sums.values())
    assert {name for name, total in sums.items() if total == week[name]} == {
        metric.name for metric in METRICS if metric.is_additive
    }


@pytest.mark.parametrize("at", ["2026-03-08T03:00", "2026-03-11T17:00", "2026-03-14T23:59"])
def test_trigger_off_schedule_same_week(inventory: Inventory, analyst: Analyst, at: str) -> None:
    shop = shop_with_daily_sales(inventory, date(2026, 3, 1), 3)

    analyst.take("weekly", at=at)

    assert list(analyst.snapshots("weekly")) == [(shop, date(2026, 3, 1))]


def test_week_starts_on_configured_day(inventory: Inventory, analyst: Analyst) -> None:
    shop = shop_with_daily_sales(inventory, date(2026, 3, 1), 3)

    replace(analyst, week_start=0).take("weekly", at="2026-03-10T03:00")

    row = analyst.row(shop, "2026-03-02", "weekly")
    assert row["period_end"] == date(2026, 3, 8)
    assert str(row["revenue"]) == "25.00"  # the 2nd and 3rd of March: 2 + 3 sold at 5.00


@pytest.mark.parametrize(
    ("at", "start", "end"),
    [
        ("2026-03-31T10:00", "2026-02-01", "2026-02-28"),
        ("2024-03-31T10:00", "2024-02-01", "2024-02-29"),
        ("2026-01-01T04:00", "2025-12-01", "2025-12-31"),
        ("2026-05-01T04:00", "2026-04-01", "2026-04-30"),
    ],
)
def test_month_is_last_calendar_month(
    inventory: Inventory, analyst: Analyst, at: str, start: str, end: str
) -> None:
    days = (date.fromisoformat(end) - date.fromisoformat(start)).days + 1
    shop = shop_with_daily_sales(inventory, date.fromisoformat(start), days + 2)

    analyst.take("monthly", at=at)

    row = analyst.row(shop, start, "monthly")
    assert row["period_end"] == date.fromisoformat(end)
    assert int(row["revenue"]) == 5 * sum(range(1, days + 1))
    assert row["total_items"] == 10_000 - sum(range(1, days + 1)) - days


def test_iso_week_53_is_one_week(inventory: Inventory, analyst: Analyst) -> None:
    # Monday 2026-12-28 to Sunday 2027-01-03 is week 53.
    shop = shop_with_daily_sales(inventory, date(2026, 12, 28), 8)

    replace(analyst, week_start=0).take("weekly", at="2027-01-04T03:00")

    row = analyst.row(shop, "2026-12-28", "weekly")
    assert row["period_end"] == date(2027, 1, 3)
    assert int(row["revenue"]) == 5 * 28


def test_stored_days_not_computed_again(inventory: Inventory, analyst: Analyst) -> None:
    shop_with_daily_sales(inventory, date(2026, 3, 1), 9)
    for day in range(2, 9):
        analyst.take(at=f"2026-03-0{day}T02:00")

    report = analyst.take("weekly", at="2026-03-08T03:00")

    assert (report.written, report.days_written, report.movements_read) == (1, 0, 0)


def test_incomplete_week_refused(analyst: Analyst) -> None:
    with pytest.raises(PeriodError, match=r"week 2026-03-08\.\.2026-03-14 has not ended yet"):
        analyst.take("weekly", at="2026-03-14T23:00", day="2026-03-09")


def test_range_writes_every_period_it_touches(inventory: Inventory, analyst: Analyst) -> None:
    shop = shop_with_daily_sales(inventory, date(2026, 1, 1), 60)

    report = analyst.take("monthly", at="2026-03-20T00:00", days=("2026-01-31", "2026-02-01"))

    assert report.written == 2
    assert [start for _, start in analyst.snapshots("monthly")] == [
        date(2026, 1, 1),
        date(2026, 2, 1),
    ]
    assert int(analyst.row(shop, "2026-01-01", "monthly")["revenue"]) == 5 * sum(range(1, 32))


def test_week_of_pruned_days_left_unless_forced(inventory: Inventory, analyst: Analyst) -> None:
    shop = shop_with_daily_sales(inventory, date(2026, 3, 1), 9)
    analyst.take("weekly", at="2026-03-08T03:00")
    inventory.execute("DELETE FROM analytics_snapshot_days")
    inventory.execute("UPDATE products SET cost = 1.00")
    before = analyst.row(shop, "2026-03-01", "weekly")

    report = analyst.take("weekly", at="2026-03-09T03:00")

    assert (report.pruned, report.days_written, report.outcome) == (1, 0, "success")
    assert analyst.row(shop, "2026-03-01", "weekly") == before

    report = analyst.take("weekly", at="2026-03-09T04:00", force=True)

    assert (report.changed, report.days_written) == (1, 7)
    assert str(analyst.row(shop, "2026-03-01", "weekly")["cost_of_goods_sold"]) == "35.00"


def test_adopted_rows_kept_unless_forced(inventory: Inventory, analyst: Analyst) -> None:
    shop = shop_with_daily_sales(inventory, date(2026, 3, 1), 9)
    inventory.execute(
        "WITH old AS (INSERT INTO analytics_snapshots (location_id, period_type, period_start,"
        " period_end, revenue) VALUES (%s, 'daily', '2026-03-02', '2026-03-02', 1.23)"
        " RETURNING id) INSERT INTO analytics_snapshot_adopted SELECT id FROM old",
        shop,
    )

    report = analyst.take(at="2026-03-03T02:00")
    assert (report.adopted, report.written) == (1, 0)
    analyst.take("weekly", at="2026-03-08T03:00")
    assert str(analyst.row(shop, "2026-03-02")["revenue"]) == "1.23"

    report = analyst.take(at="2026-03-10T02:00", day="2026-03-02", force=True)
    assert report.changed == 1
    assert str(analyst.row(shop, "2026-03-02")["revenue"]) == "10.00"
