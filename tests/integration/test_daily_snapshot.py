"""The daily figures, each worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.support.inventory import Analyst, Inventory, figures

from analytics_scheduler.errors import PeriodError


def test_figures_right_to_the_cent(inventory: Inventory, analyst: Analyst) -> None:
    shop = inventory.location()
    milk = inventory.product("0.79", "1.29", name="Milk")
    cheese = inventory.product("3.33", "5.99", name="Cheese")
    inventory.move(shop, milk, "in", 100, "2026-03-09T08:00")
    inventory.move(shop, cheese, "in", 40, "2026-03-09T08:00")
    inventory.move(shop, milk, "out", 30, "2026-03-10T10:00")
    inventory.move(shop, cheese, "out", 7, "2026-03-10T11:00")
    inventory.move(shop, milk, "waste", 3, "2026-03-10T20:00")
    inventory.move(shop, cheese, "adjustment", -2, "2026-03-10T21:00")
    inventory.move(shop, milk, "out", 11, "2026-03-11T01:00")

    report = analyst.take(at="2026-03-11T02:00")

    # Closing: milk 100-30-3 = 67 x 0.79 = 52.93; cheese 40-7-2 = 31 x 3.33 = 103.23; 156.16.
    # Opening: 100 x 0.79 + 40 x 3.33 = 79.00 + 133.20 = 212.20. Average 184.18.
    # Left for good: 30 x 0.79 + 7 x 3.33 + 3 x 0.79 = 23.70 + 23.31 + 2.37 = 49.38.
    # Turnover 49.38 / 184.18 = 0.2681; waste 2.37 of 49.38 = 4.7995 per cent.
    assert report.outcome == "success"
    assert (report.written, report.unchanged, report.changed) == (1, 0, 0)
    assert figures(analyst.row(shop, "2026-03-10")) == {
        "total_inventory_value": "156.16",
        "total_items": "98",
        "turnover_ratio": "0.27",
        "wastage_value": "2.37",
        "wastage_percentage": "4.80",
        "revenue": "80.63",  # 30 x 1.29 + 7 x 5.99 = 38.70 + 41.93
        "cost_of_goods_sold": "49.38",
    }


def test_cogs_without_waste(inventory: Inventory, analyst: Analyst) -> None:
    shop = inventory.location()
    milk = inventory.product("2.00", "5.00")
    inventory.move(shop, milk, "in", 100, "2026-03-09T08:00")
    inventory.move(shop, milk, "out", 30, "2026-03-10T10:00")
    inventory.move(shop, milk, "waste", 10, "2026-03-10T20:00")

    replace(analyst, environ=(("COGS_INCLUDES_WASTE", "false"),)).take(at="2026-03-11T02:00")

    row = analyst.row(shop, "2026-03-10")
    # Average (200 + 120) / 2 = 160; 60 / 160 = 0.375, a tie, goes away from zero.
    assert str(row["cost_of_goods_sold"]) == "60.00"
    assert str(row["turnover_ratio"]) == "0.38"
    # The percentage stays the part of all that left: 20 of 80.
    assert str(row["wastage_percentage"]) == "25.00"


@pytest.mark.parametrize(
    ("timezone", "first_instant", "last_instant"),
    [
        ("UTC", "2026-03-10T00:00:00", "2026-03-10T23:59:59.999999"),
        # New York is at UTC-4 since 8 March.
        ("America/New_York", "2026-03-10T04:00:00", "2026-03-11T03:59:59.999999"),
        # Lord Howe is at UTC+11 until April, Kolkata at UTC+5:30.
        ("Australia/Lord_Howe", "2026-03-09T13:00:00", "2026-03-10T12:59:59.999999"),
        ("Asia/Kolkata", "2026-03-09T18:30:00", "2026-03-10T18:29:59.999999"),
    ],
)
def test_day_holds_first_and_last_instant(
    inventory: Inventory, analyst: Analyst, timezone: str, first_instant: str, last_instant: str
) -> None:
    shop = inventory.location()
    milk = inventory.product("1.00", "1.00")
    inventory.move(shop, milk, "in", 1000, "2026-01-01T00:00")
    inventory.move(shop, milk, "out", 1, first_instant)
    inventory.move(shop, milk, "out", 2, last_instant)
    before = f"{first_instant}.000000"[:26]
    inventory.execute(
        "INSERT INTO stock_movements (product_id, location_id, quantity, type, reason, created_at)"
        " VALUES (%s, %s, 4, 'out', '', %s::timestamp - interval '1 microsecond'),"
        " (%s, %s, 8, 'out', '', %s::timestamp + interval '1 microsecond')",
        *(milk, shop, before),
        *(milk, shop, last_instant),
    )
    inventory.stock(shop, milk, 1000 - 15)

    replace(analyst, timezone=timezone).take(at="2026-03-12T12:00", day="2026-03-10")

    row = analyst.row(shop, "2026-03-10")
    assert str(row["revenue"]) == "3.00"
    assert row["total_items"] == 1000 - 4 - 3


@pytest.mark.parametrize(
    ("timezone", "day", "hours"),
    [
        ("America/New_York", "2026-03-08", 23),
        ("America/New_York", "2026-11-01", 25),
        ("Australia/Lord_Howe", "2026-10-04", 23),
        ("Europe/Berlin", "2026-03-29", 23),
        ("America/Santiago", "2026-09-06", 23),
    ],
)
def test_day_of_clock_change_has_all_hours(
    inventory: Inventory, analyst: Analyst, timezone: str, day: str, hours: int
) -> None:
    shop = inventory.location()
    milk = inventory.product("1.00", "1.00")
    inventory.stock(shop, milk, 1000)
    # One sale an hour, at a quarter to, over five days around the change.
    inventory.execute(
        "INSERT INTO stock_movements (product_id, location_id, quantity, type, reason, created_at)"
        " SELECT %s, %s, 1, 'out', '', moment FROM generate_series(%s::timestamp - interval"
        " '2 days' + interval '45 minutes', %s::timestamp + interval '3 days', '1 hour') AS moment",
        milk,
        shop,
        day,
        day,
    )

    replace(analyst, timezone=timezone).take(at=f"{day[:4]}-12-01T00:00", day=day)

    # Lord Howe's clocks move by half an hour only: 23.5 hours hold 23 or 24 sales.
    revenue = int(analyst.row(shop, day)["revenue"])
    assert revenue in ({23, 24} if timezone == "Australia/Lord_Howe" else {hours})


def test_stock_same_at_noon_or_year_later(inventory: Inventory, analyst: Analyst) -> None:
    shop = inventory.location()
    milk = inventory.product("2.00", "5.00")
    inventory.move(shop, milk, "in", 50, "2026-03-09T08:00")
    inventory.move(shop, milk, "out", 20, "2026-03-10T10:00")
    inventory.move(shop, milk, "in", 500, "2026-03-11T00:00")
    inventory.move(shop, milk, "waste", 9, "2026-09-30T08:00")
    inventory.move(shop, milk, "adjustment", -4, "2027-01-05T08:00")

    analyst.take(at="2027-03-11T12:00", day="2026-03-10")

    row = analyst.row(shop, "2026-03-10")
    assert (row["total_items"], str(row["total_inventory_value"])) == (30, "60.00")


def test_idle_location_gets_row_inactive_none(inventory: Inventory, analyst: Analyst) -> None:
    empty = inventory.location("Empty 'quoted' \"shop\" 店")
    idle = inventory.location("Idle")
    closed = inventory.location("Closed", is_active=False)
    milk = inventory.product("2.00", "5.00")
    inventory.stock(idle, milk, 7)
    inventory.stock(closed, milk, 7)

    report = analyst.take(at="2026-03-11T02:00")

    assert report.written == 2
    zeros = ("0.00", "0", "0.00", "0.00", "0.00", "0.00", "0.00")
    assert tuple(figures(analyst.row(empty, "2026-03-10")).values()) == zeros
    assert tuple(figures(analyst.row(idle, "2026-03-10")).values()) == ("14.00", "7", *zeros[2:])
    assert (closed, analyst.row(idle, "2026-03-10")["period_start"]) not in analyst.snapshots()


def test_negative_stock_and_reversals(inventory: Inventory, analyst: Analyst) -> None:
    shop = inventory.location()
    milk = inventory.product("2.00", "5.00")
    inventory.move(shop, milk, "out", 5, "2026-03-10T10:00")
    inventory.move(shop, milk, "out", -2, "2026-03-10T11:00")

    analyst.take(at="2026-03-11T02:00")

    # Opening 0, closing -3: sold, but the average is below zero: no turnover.
    row = figures(analyst.row(shop, "2026-03-10"))
    assert row["total_items"] == "-3"
    assert row["total_inventory_value"] == "-6.00"
    assert row["turnover_ratio"] is None
    assert row["revenue"] == "15.00"
    assert row["cost_of_goods_sold"] == "6.00"


@pytest.mark.parametrize(
    ("sold", "stocked", "ratio"),
    [
        (1, 200, "0.01"),  # 1 / 199.5 = 0.00501
        (1, 401, "0.00"),  # 1 / 400.5 = 0.0025
        (2, 81, "0.03"),  # 2 / 80 = 0.025 exactly: away from zero
        (-2, 79, "-0.03"),  # -2 / 80 = -0.025 exactly: away from zero
        (9, 204, "0.05"),  # 9 / 199.5 = 0.04511
        (3, 201, "0.02"),  # 3 / 199.5 = 0.01504
    ],
)
def test_ratio_rounded_half_away_from_zero(
    inventory: Inventory, analyst: Analyst, sold: int, stocked: int, ratio: str
) -> None:
    shop = inventory.location()
    milk = inventory.product("1.00", "1.00")
    inventory.move(shop, milk, "in", stocked, "2026-03-09T10:00")
    inventory.move(shop, milk, "out", sold, "2026-03-10T10:00")

    analyst.take(at="2026-03-11T02:00")

    assert str(analyst.row(shop, "2026-03-10")["turnover_ratio"]) == ratio


def test_percentage_rounded_half_away_from_zero(inventory: Inventory, analyst: Analyst) -> None:
    shop = inventory.location()
    milk = inventory.product("0.01", "1.00")
    inventory.stock(shop, milk, 100_000)
    inventory.move(shop, milk, "waste", 1, "2026-03-10T10:00")
    inventory.move(shop, milk, "out", 799, "2026-03-10T10:00")

    analyst.take(at="2026-03-11T02:00")

    assert str(analyst.row(shop, "2026-03-10")["wastage_percentage"]) == "0.13"  # 1 / 800 = 0.125 %


def test_ratio_too_large_is_null_with_warning(inventory: Inventory, analyst: Analyst) -> None:
    shop = inventory.location("Turntable")
    milk = inventory.product("1.00", "1.00")
    inventory.move(shop, milk, "in", 2_000_001, "2026-03-10T09:00")
    inventory.move(shop, milk, "out", 2_000_000, "2026-03-10T10:00")

    report = analyst.take(at="2026-03-11T02:00")

    # 2,000,000 / 0.5 = 4,000,000 needs seven digits before the point.
    assert analyst.row(shop, "2026-03-10")["turnover_ratio"] is None
    assert report.outcome == "success"
    assert len(report.warnings) == 1
    assert "Turntable" in report.warnings[0]
    assert "turnover_ratio" in report.warnings[0]


@pytest.mark.parametrize(
    ("cost", "quantity"),
    [
        ("99999999.99", 101),  # 10,099,999,998.99 is too much money
        ("0.01", 2_147_483_647),  # twice that is too many items
        ("99999999.99", 2_147_483_647),  # and this does not even fit 64 bits of cents
    ],
)
def test_money_or_items_too_large_fail_location(
    inventory: Inventory, analyst: Analyst, cost: str, quantity: int
) -> None:
    vault = inventory.location("Vault")
    kiosk = inventory.location("Kiosk")
    gold, silver, milk = (inventory.product(cost, "1.00", name=name) for name in "gsm")
    inventory.reprice(milk, cost="2.00")
    inventory.stock(vault, gold, quantity)
    inventory.stock(vault, silver, quantity)
    inventory.stock(kiosk, milk, 3)

    report = analyst.take(at="2026-03-11T02:00")

    assert report.outcome == "partial"
    assert [failure.location for failure in report.failures] == [f"Vault [{vault}]"]
    assert str(analyst.row(kiosk, "2026-03-10")["total_inventory_value"]) == "6.00"
    assert len(analyst.snapshots()) == 1


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ("type", "2 movements of unknown type 'theft'"),
        ("no type", "1 movement without a type"),
        ("quantity", "1 movement without a quantity"),
        ("cost", "1 movement of a product without a cost"),
        ("price", "1 movement of type 'out' of a product without a price"),
        (
            "five decimals",
            "1 movement of a product with the cost 1.23456: at most four decimals are allowed",
        ),
        (
            "not a number",
            "1 movement of a product with the cost NaN: at most four decimals are allowed",
        ),
        ("stock", "1 stock row without a quantity"),
        ("deleted product", "1 movement of a product that does not exist"),
    ],
)
def test_unusable_data_fails_its_location_only(
    inventory: Inventory, analyst: Analyst, spoil: str, words: str
) -> None:
    bad = inventory.location("Bad")
    good = inventory.location("Good")
    milk = inventory.product("2.00", "5.00")
    odd = inventory.product("2.00", "5.00", name="Odd")
    run = inventory.execute
    run("ALTER TABLE products ALTER cost TYPE numeric")
    for relation in ("stock_movements", "inventory_items"):
        run(f"ALTER TABLE {relation} ALTER quantity DROP NOT NULL")
    for column in ("cost", "price"):
        run(f"ALTER TABLE products ALTER {column} DROP NOT NULL")
    run("ALTER TABLE stock_movements ALTER type DROP NOT NULL")
    run(
        "DO $$ DECLARE name text; BEGIN FOR name IN SELECT conname FROM pg_constraint WHERE"
        " contype = 'c' AND conrelid = 'stock_movements'::regclass LOOP EXECUTE"
        " format('ALTER TABLE stock_movements DROP CONSTRAINT %I', name); END LOOP; END $$"
    )
    for shop in (good, bad):
        inventory.move(shop, milk, "in", 10, "2026-03-09T10:00")
        inventory.move(shop, milk, "out", 2, "2026-03-10T10:00")
    at = "2026-03-10T12:00"
    if spoil == "type":
        inventory.move(bad, milk, "theft", 1, at)
        inventory.move(bad, milk, "theft", 1, "2026-03-11T01:00")
    elif spoil == "no type":
        inventory.move(bad, milk, None, 1, at)
    elif spoil == "quantity":
        inventory.move(bad, milk, "out", None, at)
    elif spoil == "stock":
        inventory.stock(bad, odd, None)
    elif spoil == "deleted product":
        inventory.move(bad, odd, "out", 1, at, moves_stock=False)
        run("ALTER TABLE stock_movements DROP CONSTRAINT stock_movements_product_id_fkey")
        run("DELETE FROM products WHERE id = %s", odd)
    else:
        inventory.move(bad, odd, "out", 1, at, moves_stock=False)
        costs = {"cost": None, "five decimals": "1.23456", "not a number": "NaN", "price": "1.00"}
        inventory.reprice(odd, cost=costs[spoil], price=None if spoil == "price" else "5.00")

    report = analyst.take(at="2026-03-11T02:00")

    assert report.outcome == "partial"
    assert [failure.location for failure in report.failures] == [f"Bad [{bad}]"]
    assert words in report.failures[0].reason
    assert list(analyst.snapshots()) == [(good, analyst.row(good, "2026-03-10")["period_start"])]


def test_second_run_touches_no_row(inventory: Inventory, analyst: Analyst) -> None:
    milk = inventory.product("2.00", "5.00")
    for name in ("North", "South"):
        inventory.move(inventory.location(name), milk, "in", 10, "2026-03-10T10:00")
    analyst.take(at="2026-03-11T02:00")
    marks = "SELECT xmin::text, ctid::text, id FROM analytics_snapshots ORDER BY id"
    before = analyst.rows(marks)

    report = analyst.take(at="2026-03-11T09:00")

    assert (report.written, report.changed, report.unchanged) == (0, 0, 2)
    assert analyst.rows(marks) == before


def test_batches_committed_in_id_order(inventory: Inventory, analyst: Analyst) -> None:
    milk = inventory.product("2.00", "5.00")
    shops = sorted(inventory.location(f"Shop {n}") for n in range(7))
    for shop in shops:
        inventory.stock(shop, milk, 3)

    report = replace(analyst, environ=(("SNAPSHOT_BATCH_SIZE", "3"),)).take(at="2026-03-11T02:00")

    assert report.batches == 3
    groups = analyst.rows(
        "SELECT array_agg(location_id ORDER BY location_id) FROM analytics_snapshots"
        " GROUP BY xmin::text ORDER BY min(xmin::text::bigint)"
    )
    assert [len(group) for (group,) in groups] == [3, 3, 1]
    assert [shop for (group,) in groups for shop in group] == shops


def test_timestamptz_gives_same_figures(inventory: Inventory, analyst: Analyst) -> None:
    inventory.execute(
        "ALTER TABLE stock_movements ALTER created_at TYPE timestamptz"
        " USING created_at AT TIME ZONE 'UTC'"
    )
    inventory.execute("SET TimeZone TO 'UTC'")
    shop = inventory.location()
    milk = inventory.product("1.00", "1.00")
    inventory.stock(shop, milk, 100)
    # New York: the day begins at 04:00 UTC.
    inventory.move(shop, milk, "out", 1, "2026-03-10T03:59:59")
    inventory.move(shop, milk, "out", 2, "2026-03-10T04:00:00")
    inventory.move(shop, milk, "out", 4, "2026-03-11T04:00:00")

    replace(analyst, timezone="America/New_York").take(at="2026-03-12T12:00", day="2026-03-10")

    assert str(analyst.row(shop, "2026-03-10")["revenue"]) == "2.00"


def test_incomplete_day_refused(analyst: Analyst) -> None:
    with pytest.raises(PeriodError, match=r"2026-03-11 has not ended yet in UTC"):
        analyst.take(at="2026-03-11T23:59", day="2026-03-11")


def test_empty_database_no_rows_no_failure(analyst: Analyst) -> None:
    report = analyst.take(at="2026-03-11T02:00")

    assert (report.outcome, report.written, report.locations) == ("success", 0, 0)
