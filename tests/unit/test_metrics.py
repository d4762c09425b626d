"""What follows from the declaration of the figures."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest
from tests.support.markdown import REPOSITORY

from analytics_scheduler.snapshots import metrics
from analytics_scheduler.snapshots.metrics import METRICS, NAMES, Metric


@pytest.mark.parametrize(
    ("sql_type", "largest"),
    [
        ("numeric(12,2)", "9999999999.99"),
        ("numeric(8,2)", "999999.99"),
        ("numeric(5,2)", "999.99"),
        ("numeric(13,2)", "99999999999.99"),
        ("integer", "2147483647"),
    ],
)
def test_largest_number_of_a_column(sql_type: str, largest: str) -> None:
    metric = Metric("any", sql_type, "money", "any", is_additive=True)
    assert metric.largest == Decimal(largest)


def test_overflow_names_every_amount() -> None:
    """A ratio that does not fit is NULL instead; see compose.sql."""
    condition = metrics.overflow("f")
    assert "abs(f.total_items) > 2147483647" in condition
    assert "abs(f.revenue) > 9999999999.99" in condition
    amounts = {each.name for each in METRICS if each.unit in {"money", "pieces"}}
    assert set(re.findall(r"f\.(\w+)", condition)) == amounts


def test_columns_of_a_table() -> None:
    assert metrics.columns("s").startswith("s.total_inventory_value, s.total_items, ")
    assert metrics.columns(as_text=True).endswith("cost_of_goods_sold::text AS cost_of_goods_sold")


def test_cache_page_shows_every_figure() -> None:
    page = (REPOSITORY / "include" / "docs" / "cache.md").read_text(encoding="utf-8")
    [entry] = re.findall(r"^ +(\{\"location_id.*?\})$", page, re.DOTALL | re.MULTILINE)
    assert set(NAMES) == set(json.loads(entry)) - {
        "location_id",
        "period_type",
        "period_start",
        "period_end",
    }
