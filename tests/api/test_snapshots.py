"""Reading the stored snapshots: filters, pages, JSON and CSV."""

from __future__ import annotations

import csv
import io
from typing import Any
from urllib.parse import quote

import pytest
from tests.support.api_client import Client
from tests.support.database import Database

from analytics_scheduler.snapshots import metrics

CORNER = "00000000-0000-0000-0000-00000000000a"
MARKET = "00000000-0000-0000-0000-00000000000b"


@pytest.fixture
def rows(shops: Database) -> None:
    """Store three days and a week of two shops."""
    for location in (CORNER, MARKET):
        shops.execute(
            "INSERT INTO locations (id, name, is_active) VALUES (%s, 'Shop', true)", location
        )
        for period_type, start, end in (
            ("daily", "2026-11-20", "2026-11-20"),
            ("daily", "2026-11-21", "2026-11-21"),
            ("daily", "2026-11-22", "2026-11-22"),
            ("weekly", "2026-11-15", "2026-11-21"),
        ):
            shops.execute(
                "INSERT INTO analytics_snapshots (location_id, period_type, period_start,"
                " period_end, total_inventory_value, total_items, revenue, turnover_ratio)"
                " VALUES (%s, %s, %s, %s, 9999999999.99, 3, 10.10, NULL)",
                location,
                period_type,
                start,
                end,
            )


def keys(answer: Any) -> list[tuple[str, str, str]]:
    return [
        (row["location_id"][-1], row["period_type"], row["period_start"][-2:])
        for row in answer.json()["data"]["snapshots"]
    ]


@pytest.mark.usefixtures("rows")
def test_snapshots_in_order(either_surface: Client) -> None:
    answer = either_surface.get("/snapshots")

    assert answer.status == 200
    assert keys(answer) == [
        ("a", "daily", "20"),
        ("a", "daily", "21"),
        ("a", "daily", "22"),
        ("a", "weekly", "15"),
        ("b", "daily", "20"),
        ("b", "daily", "21"),
        ("b", "daily", "22"),
        ("b", "weekly", "15"),
    ]
    assert answer.json()["data"]["next"] is None
    first = answer.json()["data"]["snapshots"][0]
    assert first["total_inventory_value"] == 9999999999.99
    assert (first["total_items"], first["revenue"], first["turnover_ratio"]) == (3, 10.1, None)


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"period=daily&location_id={CORNER}&from=2026-11-21", ["a21", "a22"]),
        ("period=weekly", ["a15", "b15"]),
        ("from=2026-11-22&to=2026-11-22", ["a22", "b22"]),
        ("period=weekly&from=2026-11-17&to=2026-11-18", ["a15", "b15"]),
        ("to=2026-11-14", []),
    ],
)
def test_snapshots_filtered(simple_client: Client, query: str, expected: list[str]) -> None:
    answer = simple_client.get(f"/snapshots?{query}")

    assert [shop + day for shop, _, day in keys(answer)] == expected


@pytest.mark.usefixtures("rows")
def test_snapshots_page_by_page(either_surface: Client) -> None:
    seen: list[tuple[str, str, str]] = []
    path = "/snapshots?limit=3"
    for _ in range(3):
        answer = either_surface.get(path)
        seen += keys(answer)
        link = answer.headers.get("link")
        path = f"/snapshots?limit=3&after={answer.json()['data']['next']}"
        if link is not None:
            assert link == f'<{path.removeprefix("/snapshots")}>; rel="next"'

    assert link is None
    assert answer.json()["data"]["next"] is None
    assert len(seen) == len(set(seen)) == 8


@pytest.mark.usefixtures("rows")
def test_csv_columns_and_exact_amounts(either_surface: Client) -> None:
    by_name = either_surface.get("/snapshots?format=csv&limit=1")
    by_header = either_surface.get("/snapshots?limit=1", headers={"Accept": "text/csv"})

    assert by_name.headers["content-type"] == "text/csv; charset=utf-8"
    assert by_name.body == by_header.body
    assert 'rel="next"' in by_name.headers["link"]
    (row,) = csv.DictReader(io.StringIO(by_name.body.decode()))
    assert list(row) == [
        "id",
        "location_id",
        "period_type",
        "period_start",
        "period_end",
        *metrics.NAMES,
        "created_at",
    ]
    assert (row["total_inventory_value"], row["revenue"]) == ("9999999999.99", "10.10")
    assert (row["turnover_ratio"], row["period_start"]) == ("", "2026-11-20")


@pytest.mark.usefixtures("rows")
def test_csv_without_rows_has_a_header(either_surface: Client) -> None:
    answer = either_surface.get("/snapshots?format=csv&period=monthly")

    header, *rows = csv.reader(io.StringIO(answer.body.decode()))
    assert header[:3] == ["id", "location_id", "period_type"]
    assert rows == []
    assert "link" not in answer.headers


@pytest.mark.usefixtures("rows")
def test_figures_are_those_of_metrics(either_surface: Client) -> None:
    (row,) = either_surface.get("/snapshots?limit=1").json()["data"]["snapshots"]

    assert list(row)[5:-1] == list(metrics.NAMES)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("period=hourly", "period must be one of daily, weekly, monthly, got 'hourly'."),
        ("location_id=1", "location_id must be a UUID, got '1'."),
        ("location_id=%00", "location_id must be a UUID, got '\\x00'."),
        ("from=2026-13-01", None),
        ("from=2026-11-02&to=2026-11-01", "to (2026-11-01) must not be before from (2026-11-02)."),
        ("limit=0", "limit must be a whole number from 1 to 10000, got '0'."),
        ("limit=10001", None),
        ("limit=-1", None),
        ("limit=1e3", None),
        ("limit=%D9%A1", None),
        ("after=x", "after must be the value of next from an earlier answer."),
        ("after=" + quote("W10="), None),
        ("after=" + "A" * 3000, None),
        ("format=xml", "format must be json or csv, got 'xml'."),
        ("page=2", None),
        ("limit=1&limit=2", "The parameter limit must be given only once."),
    ],
    ids=range(16),
)
def test_snapshots_refuse_a_bad_filter(
    either_surface: Client, query: str, error: str | None
) -> None:
    answer = either_surface.get(f"/snapshots?{query}")

    assert answer.status == 400
    assert set(answer.json()) == {"success", "error"}
    assert error in {None, answer.json()["error"]}
