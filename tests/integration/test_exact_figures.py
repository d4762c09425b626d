"""Quantities with three decimals and prices with four: computed exactly, and rounded once."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from uuid import UUID

import pytest
from tests.support.inventory import Analyst, Inventory, figures
from tests.support.moments import days_ago

from analytics_scheduler.snapshots.verify import verify_snapshots


@pytest.fixture
def fractional(inventory: Inventory) -> Inventory:
    """An inventory that weighs its goods and has average costs."""
    for relation in ("stock_movements", "inventory_items"):
        inventory.execute(f"ALTER TABLE {relation} ALTER quantity TYPE numeric")
    inventory.execute("ALTER TABLE products ALTER cost TYPE numeric, ALTER price TYPE numeric")
    return inventory


def cheese_shop(inventory: Inventory) -> tuple[UUID, UUID]:
    """Add a shop with 10.5 kg of cheese, of which 1.125 kg are sold and 0.333 kg go bad."""
    shop, cheese = inventory.location("Market"), inventory.product("3.3333", "9.9999")
    inventory.move(shop, cheese, "in", Decimal("10.500"), "2026-03-09T10:00")
    inventory.move(shop, cheese, "out", Decimal("1.125"), "2026-03-10T10:00")
    inventory.move(shop, cheese, "waste", Decimal("0.333"), "2026-03-10T11:00")
    return shop, cheese


def test_a_day_of_fractions(fractional: Inventory, analyst: Analyst) -> None:
    shop, _ = cheese_shop(fractional)

    analyst.take(at="2026-03-11T02:00")

    # 9.042 kg are left. Sold: 1.125 x 9.9999 = 11.2498875. Wasted: 0.333 x 3.3333 = 1.1099889.
    # Both at cost: 1.458 x 3.3333 = 4.8599514, divided by the average of 34.99965 and 30.1396986,
    # 32.5696743: 0.149. Waste in percent: 0.333 / 1.458 = 22.84 %.
    assert figures(analyst.row(shop, "2026-03-10")) == {
        "total_inventory_value": "30.14",
        "total_items": "9",
        "turnover_ratio": "0.15",
        "wastage_value": "1.11",
        "wastage_percentage": "22.84",
        "revenue": "11.25",
        "cost_of_goods_sold": "4.86",
    }


@pytest.mark.parametrize(
    ("quantity", "items", "revenue"),
    [("0.5", "1", "0.01"), ("0.499", "0", "0.00"), ("2.5", "3", "0.03"), ("-0.5", "-1", "-0.01")],
)
def test_half_a_unit_is_rounded_away_from_zero(
    fractional: Inventory, analyst: Analyst, quantity: str, items: str, revenue: str
) -> None:
    shop, tea = fractional.location(), fractional.product("1", "0.01")
    fractional.move(shop, tea, "in", 2 * Decimal(quantity), "2026-03-09T10:00")
    fractional.move(shop, tea, "out", Decimal(quantity), "2026-03-10T10:00")

    analyst.take(at="2026-03-11T02:00")

    row = analyst.row(shop, "2026-03-10")
    assert figures(row, ["total_items", "revenue"]) == {"total_items": items, "revenue": revenue}


def test_a_week_is_rounded_once(fractional: Inventory, analyst: Analyst) -> None:
    """Seven sales of half a cent are four cents, although each day rounds its own to one."""
    shop, tea = fractional.location(), fractional.product("0.0010", "0.0050")
    fractional.move(shop, tea, "in", 100, "2026-02-20T10:00")
    for day in range(1, 8):
        fractional.move(shop, tea, "out", 1, f"2026-03-0{day}T10:00")
        fractional.move(shop, tea, "waste", Decimal("0.2"), f"2026-03-0{day}T10:00")

    analyst.take(days=("2026-03-01", "2026-03-07"), at="2026-03-11T02:00")
    analyst.take("weekly", at="2026-03-11T02:00")

    names = ["revenue", "total_items", "cost_of_goods_sold", "total_inventory_value"]
    # 100 - 8.4 = 91.6 pieces worth 0.0916; 8.4 x 0.001 = 0.0084 for what left.
    assert figures(analyst.row(shop, "2026-03-01", "weekly"), names) == {
        "revenue": "0.04",
        "total_items": "92",
        "cost_of_goods_sold": "0.01",
        "total_inventory_value": "0.09",
    }
    assert {str(row["revenue"]) for row in analyst.snapshots().values()} == {"0.01"}


def test_fractions_are_repaired_and_verified(fractional: Inventory, analyst: Analyst) -> None:
    shop, cheese = cheese_shop(fractional)
    for day in (11, 12, 13):
        analyst.take(at=f"2026-03-{day}T02:00")
    fractional.move(shop, cheese, "out", Decimal("0.001"), "2026-03-10T23:00")

    report = analyst.take(at="2026-03-14T02:00")

    assert (report.days_repaired, report.unexplained) == (3, [])
    # 9.041 x 3.3333 = 30.1363653
    assert str(analyst.row(shop, "2026-03-13")["total_inventory_value"]) == "30.14"
    assert verify_snapshots(analyst.connection, analyst.settings).findings == []


def test_an_edit_of_a_fraction_is_unexplained(fractional: Inventory, analyst: Analyst) -> None:
    shop, cheese = cheese_shop(fractional)
    analyst.take(at=f"{days_ago(1)}T02:00")
    fractional.stock(shop, cheese, Decimal("9.292"))  # 0.25 kg more than 9.042

    report = analyst.take(at=f"{days_ago(0)}T02:00")

    [entry] = report.unexplained
    assert (entry.items, entry.value) == (Decimal("-0.25"), Decimal("-0.83"))
    assert report.as_dict()["unexplained"][0]["items"] == -0.25


def test_whole_numbers_stay_as_they_were_stored(inventory: Inventory, analyst: Analyst) -> None:
    """A source that begins to weigh its goods has no late data because of it."""
    shop, tea = inventory.location(), inventory.product("2.50", "4.00")
    inventory.move(shop, tea, "in", 50, "2026-03-08T10:00")
    for day in (9, 10):
        inventory.move(shop, tea, "out", 3, f"2026-03-{day:02}T10:00")
        inventory.move(shop, tea, "adjustment", -1, f"2026-03-{day:02}T11:00")
    analyst.take(days=("2026-03-08", "2026-03-10"), at="2026-03-11T02:00")
    kept = "SELECT xmin::text, * FROM analytics_snapshot_days ORDER BY day"
    before = analyst.rows(kept)
    assert {row[-2:] for row in before} == {(None, None)}

    for relation in ("stock_movements", "inventory_items"):
        inventory.execute(f"ALTER TABLE {relation} ALTER quantity TYPE numeric(12, 3)")
    report = analyst.take(at="2026-03-12T02:00")

    assert (report.days_repaired, report.written) == (0, 1)
    assert analyst.rows(kept)[:3] == before
    assert verify_snapshots(analyst.connection, analyst.settings).findings == []


@pytest.mark.parametrize(
    ("change", "is_found"),
    [("0.001", True), ("-0.001", True), ("0.5", True), ("0.000", False)],
)
def test_a_changed_fraction_is_late_data(
    fractional: Inventory, analyst: Analyst, change: str, *, is_found: bool
) -> None:
    shop, _ = cheese_shop(fractional)
    analyst.take(at="2026-03-11T02:00")
    for relation, sign in (("stock_movements", "+"), ("inventory_items", "-")):
        where = "type = 'out'" if relation == "stock_movements" else "true"
        fractional.execute(
            f"UPDATE {relation} SET quantity = quantity {sign} %s WHERE {where}", Decimal(change)
        )

    report = analyst.take(at="2026-03-12T02:00")

    assert report.days_repaired == is_found
    assert report.unexplained == []
    expected = (Decimal("9.042") - Decimal(change)) * Decimal("3.3333")
    value = analyst.row(shop, "2026-03-11")["total_inventory_value"]
    assert value == round(expected, 2)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (
            "UPDATE stock_movements SET quantity = 1.1234 WHERE location_id = %s",
            "1 movement of the quantity 1.1234: at most three decimals are allowed",
        ),
        (
            "UPDATE stock_movements SET quantity = 'NaN' WHERE location_id = %s",
            "1 movement of the quantity NaN: at most three decimals are allowed",
        ),
        (
            "UPDATE inventory_items SET quantity = 0.00001 WHERE location_id = %s",
            "1 stock row of the quantity 0.00001: at most three decimals are allowed",
        ),
        (
            "UPDATE stock_movements SET quantity = 999999999999 WHERE location_id = %s",
            "movement of 999999999999 pieces at a cost of 2.00 and a price of 5.00",
        ),
    ],
)
def test_an_unusable_quantity_costs_its_location(
    fractional: Inventory, analyst: Analyst, spoil: str, reason: str
) -> None:
    shops = [fractional.location(name) for name in ("Bad", "North", "South", "West")]
    milk = fractional.product("2.00")
    for shop in shops:
        fractional.move(shop, milk, "in", 10, "2026-03-10T10:00")
    fractional.execute(spoil, shops[0])

    report = analyst.take(at="2026-03-11T02:00")

    assert [failure.location for failure in report.failures] == [f"Bad [{shops[0]}]"]
    assert reason in report.failures[0].reason
    assert {location for location, _ in analyst.snapshots()} == set(shops[1:])


def test_a_value_beyond_the_integers_is_named(inventory: Inventory, analyst: Analyst) -> None:
    bad, good = inventory.location("Bad"), inventory.location("Good")
    gold = inventory.product("99999999.99")
    inventory.move(bad, gold, "in", 2_000_000_000, "2026-03-10T10:00")
    inventory.move(good, gold, "in", 1, "2026-03-10T10:00")

    report = analyst.take(at="2026-03-11T02:00")

    [failure] = report.failures
    assert failure.location == f"Bad [{bad}]"
    assert "of 2000000000 pieces at a cost of 99999999.99 and a price of 5.00" in failure.reason
    assert str(analyst.row(good, "2026-03-10")["total_inventory_value"]) == "99999999.99"


def test_a_changed_cogs_setting_needs_no_days(inventory: Inventory, analyst: Analyst) -> None:
    shop, tea = inventory.location(), inventory.product("2.50", "4.00")
    inventory.move(shop, tea, "in", 50, "2026-03-07T10:00")
    for day in range(1, 8):
        inventory.move(shop, tea, "out", 2, f"2026-03-0{day}T10:00")
        inventory.move(shop, tea, "waste", 1, f"2026-03-0{day}T11:00")
    analyst.take(days=("2026-03-01", "2026-03-07"), at="2026-03-10T02:00")
    kept = "SELECT xmin::text, * FROM analytics_snapshot_days ORDER BY day"
    before = analyst.rows(kept)

    without_waste = replace(analyst, environ=(("COGS_INCLUDES_WASTE", "false"),))
    without_waste.take("weekly", at="2026-03-10T03:00", day="2026-03-03")

    # Seven days of 2 pieces at 2.50, without the 7 that were thrown away.
    assert str(analyst.row(shop, "2026-03-01", "weekly")["cost_of_goods_sold"]) == "35.00"
    assert analyst.rows(kept) == before
    findings = verify_snapshots(analyst.connection, without_waste.settings).findings
    assert {entry.finding for entry in findings} == {"other_settings"}
    assert len(findings) == 7


# What the version before wrote of a day that it found changed: it knew no remainders.
REWRITTEN_BY_AN_OLDER_VERSION = """
UPDATE analytics_snapshot_days
SET closing_cents = 2100, revenue_cents = 3600, out_cents = 1200, processed_at = clock_timestamp()
"""


def test_remainders_end_with_an_older_version(fractional: Inventory, analyst: Analyst) -> None:
    shop, tea = fractional.location(), fractional.product("3.3399", "9.9999")
    fractional.move(shop, tea, "in", 11, "2026-03-09T10:00")
    fractional.move(shop, tea, "out", 4, "2026-03-10T10:00")
    analyst.take(at="2026-03-11T02:00")
    fractional.execute(REWRITTEN_BY_AN_OLDER_VERSION)

    analyst.take(at="2026-03-11T02:00", day="2026-03-10")

    names = ["total_inventory_value", "revenue", "cost_of_goods_sold"]
    assert list(figures(analyst.row(shop, "2026-03-10"), names).values()) == [
        "21.00", "36.00", "12.00"
    ]  # fmt: skip


@pytest.mark.parametrize("fractional_relation", ["stock_movements", "inventory_items"])
def test_one_relation_may_weigh_and_one_may_count(
    inventory: Inventory, analyst: Analyst, fractional_relation: str
) -> None:
    inventory.execute(f"ALTER TABLE {fractional_relation} ALTER quantity TYPE numeric(12, 3)")
    shop, nail = inventory.location(), inventory.product("0.01", "0.02")
    inventory.move(shop, nail, "in", 3_000_000, "2026-03-10T10:00")

    report = analyst.take(at="2026-03-11T02:00")

    assert report.failures == []
    assert str(analyst.row(shop, "2026-03-10")["total_inventory_value"]) == "30000.00"


@pytest.mark.parametrize("amount", ["999999999999", "100000000000", "1e30", "Infinity"])
def test_a_price_of_nothing_in_stock_harms_nobody(
    fractional: Inventory, analyst: Analyst, amount: str
) -> None:
    shop, _ = cheese_shop(fractional)
    for relation in ("stock_movements", "inventory_items"):
        fractional.execute(f"ALTER TABLE {relation} ALTER quantity TYPE bigint")
    fractional.product(amount, amount, name="Placeholder")

    report = analyst.take(at="2026-03-11T02:00")

    assert (report.written, report.failures) == (1, [])
    assert verify_snapshots(analyst.connection, analyst.settings).findings == []
    assert analyst.row(shop, "2026-03-10")["total_items"] == 9


def test_verify_names_what_is_too_large(inventory: Inventory, analyst: Analyst) -> None:
    milk, gold = inventory.product("2.00"), inventory.product("99999999.99")
    shops = [inventory.location(name) for name in ("Bad", "North", "South", "West")]
    for shop in shops:
        inventory.move(shop, milk, "in", 10, "2026-03-10T10:00")
    analyst.take(at="2026-03-11T02:00")
    inventory.move(shops[0], gold, "in", 2_000_000_000, "2026-03-10T11:00")

    report = verify_snapshots(analyst.connection, analyst.settings)

    assert report.rows == 4
    assert [(entry.location, entry.finding) for entry in report.findings] == [
        (f"Bad [{shops[0]}]", "not_computable")
    ]
