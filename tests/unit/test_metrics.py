"""What follows from the declaration of the figures."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest
from pglast.keywords import RESERVED_KEYWORDS
from tests.support.markdown import REPOSITORY

from analytics_scheduler.snapshots import metrics
from analytics_scheduler.snapshots.metrics import METRICS, NAMES, Metric
from analytics_scheduler.vocabulary import Unit


@pytest.mark.parametrize(
    ("sql_type", "largest"),
    [
        ("numeric(12,2)", "9999999999.99"),
        ("numeric(8,2)", "999999.99"),
        ("numeric(5,2)", "999.99"),
        ("numeric(13,2)", "99999999999.99"),
        ("integer", "2147483647"),
        ("smallint", "32767"),
        ("bigint", "9223372036854775807"),
    ],
)
def test_largest_number_of_a_column(sql_type: str, largest: str) -> None:
    metric = Metric("any", sql_type, Unit.MONEY, "any", is_additive=True, example=1)
    assert metric.largest == Decimal(largest)


@pytest.mark.parametrize("sql_type", ["numeric", "numeric(12, 2)", "double precision", "text"])
def test_largest_number_of_an_unknown_type(sql_type: str) -> None:
    metric = Metric("any", sql_type, Unit.MONEY, "any", is_additive=True, example=1)
    with pytest.raises(ValueError, match="The SQL type of any must be one of smallint, integer"):
        _ = metric.largest


def test_overflow_names_every_amount() -> None:
    condition = metrics.overflow("f")
    assert "abs(f.total_items) > 2147483647" in condition
    assert "abs(f.revenue) > 9999999999.99" in condition
    amounts = {each.name for each in METRICS if not each.unit.is_quotient}
    assert set(re.findall(r"f\.(\w+)", condition)) == amounts


def test_fitting_empties_every_quotient() -> None:
    fitting = metrics.fitting("f")
    assert "f.total_items, CASE WHEN NOT (abs(f.turnover_ratio) > 999999.99) THEN" in fitting
    assert re.findall(r"END AS (\w+)", fitting) == ["turnover_ratio", "wastage_percentage"]
    assert re.findall(r"'(\w+)'", metrics.emptied("f")) == ["turnover_ratio", "wastage_percentage"]


def test_columns_of_a_table() -> None:
    assert metrics.columns("s").startswith("s.total_inventory_value, s.total_items, ")
    assert metrics.columns(as_text=True).endswith(f"{NAMES[-1]}::text AS {NAMES[-1]}")


def test_names_need_no_quotes_in_sql() -> None:
    """Statements hold the names as they are, beside columns of their own."""
    own = {"reason", "status", "snapshot_id", "emptied", "is_requested", "is_complete"}
    for name in NAMES:
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name)
        assert name not in RESERVED_KEYWORDS | own


def test_cache_page_shows_every_figure() -> None:
    page = (REPOSITORY / "include" / "docs" / "cache.md").read_text(encoding="utf-8")
    [entry] = re.findall(r"^ +(\{\"location_id.*?\})$", page, re.DOTALL | re.MULTILINE)
    assert set(NAMES) == set(json.loads(entry)) - {
        "location_id",
        "period_type",
        "period_start",
        "period_end",
    }
