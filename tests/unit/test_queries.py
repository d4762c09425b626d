"""How statements are loaded, filled and checked before they reach the database."""

from __future__ import annotations

from pathlib import Path

import pytest

from analytics_scheduler import queries
from analytics_scheduler.queries import Queries, Statement, render, statements
from analytics_scheduler.settings import DatabaseSettings


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> dict[str, Statement]:
    """Stand in for the statements of the package."""
    found: dict[str, Statement] = {}
    monkeypatch.setattr(queries, "statements", lambda: found)
    render.cache_clear()
    return found


def add(library: dict[str, Statement], name: str, text: str) -> None:
    library[name] = Statement(name, "scratch.sql", f"-- name: {name}\n{text}\n")


def text_of(name: str, *, source: str = "public", **parts: str) -> str:
    return render(name, source, "public", tuple(parts.items())).text.as_string(None)


def test_statements_have_unique_names() -> None:
    assert {"claim_alert", "compute_days", "count_locations"} <= statements().keys()


def test_two_statements_of_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.sql").write_text("-- name: twice\nSELECT 1;\n")
    (tmp_path / "b.sql").write_text("-- name: twice\nSELECT 2;\n")
    monkeypatch.setattr(queries, "SQL_FOLDER", tmp_path)
    with pytest.raises(ValueError, match=r"b\.sql and a\.sql both name a statement twice"):
        statements.__wrapped__()


def test_schemas_are_quoted(library: dict[str, Statement]) -> None:
    add(library, "plain", "SELECT FROM {source}.locations;")
    assert 'FROM "Old "" %% stock".locations' in text_of("plain", source='Old " % stock')


def test_part_stands_without_header_and_semicolon(library: dict[str, Statement]) -> None:
    add(library, "_inner", "-- Purpose: a part.\nSELECT 1 AS one;")
    add(library, "outer", "SELECT one FROM ({_inner}) AS i;")
    assert text_of("outer") == "-- name: outer\nSELECT one FROM (SELECT 1 AS one) AS i;\n"


def test_placeholder_without_value(library: dict[str, Statement]) -> None:
    add(library, "listing", "SELECT {figures};")
    with pytest.raises(KeyError, match=r"listing needs a value for \{figures\}"):
        text_of("listing")
    assert "SELECT a, b;" in text_of("listing", figures="a, b")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"greet takes the parameters \['name'\], got \[\]"),
        (
            {"name": "x", "nam": "x"},
            r"greet takes the parameters \['name'\], got \['nam', 'name'\]",
        ),
    ],
)
def test_run_refuses_other_parameters(
    library: dict[str, Statement], given: dict[str, str], message: str
) -> None:
    add(library, "greet", "SELECT %(name)s;")
    unconnected: object = None
    with pytest.raises(TypeError, match=message):
        Queries(unconnected, DatabaseSettings.load({})).run("greet", **given)  # type: ignore[arg-type]
