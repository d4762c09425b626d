"""The closed word lists: SQL, its CHECKs and the OpenAPI document hold the words of the enums."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pglast import parse_sql
from tests.support.sql_files import SqlText, migrations, named_statements
from tests.support.sql_literals import Literal, checks_of, literals_of

from analytics_scheduler import vocabulary
from analytics_scheduler.api.endpoints import ENDPOINTS
from analytics_scheduler.api.openapi import document
from analytics_scheduler.vocabulary import (
    AlertEvent,
    AlertState,
    BalanceSource,
    MovementType,
    Outcome,
    PeriodType,
    RevisionReason,
    RowStatus,
    VerifyFinding,
    Vocabulary,
)

# By the name of a column, or of a parameter.
COLUMNS: Mapping[str, type[Vocabulary]] = {
    "balance_source": BalanceSource,
    "event": AlertEvent,
    "finding": VerifyFinding,
    "outcome": Outcome,
    "period_type": PeriodType,
    "reason": RevisionReason,
    "state": AlertState,
    "status": RowStatus,
    "type": MovementType,
}
ENUMS = [each for each in vars(vocabulary).values() if isinstance(each, type)]
VOCABULARIES = [each for each in ENUMS if issubclass(each, Vocabulary) and each is not Vocabulary]
EVERY_TEXT = [*named_statements(), *migrations()]


def literals(text: SqlText) -> Iterator[Literal]:
    for tree in text.parsed():
        yield from literals_of(tree)


def unknown_words(text: SqlText, column: str) -> set[str]:
    return {
        literal.word
        for literal in literals(text)
        if literal.column == column and literal.word not in COLUMNS[column].words()
    }


@pytest.mark.parametrize("column", COLUMNS)
def test_sql_holds_no_unknown_word(column: str) -> None:
    found = {str(text): words for text in EVERY_TEXT if (words := unknown_words(text, column))}
    assert found == {}, f"allowed are {COLUMNS[column].words()}"


def test_sql_treats_longer_period_types_alike() -> None:
    """A statement that named some of them would leave out one that is added."""
    words = {
        literal.word for text in named_statements() for literal in literals(text)
        if literal.column == "period_type"
    }  # fmt: skip
    assert words == {PeriodType.DAILY}


def test_every_check_allows_exactly_the_enum() -> None:
    checks: dict[str, set[str]] = {}
    for migration in migrations():  # A later migration replaces the CHECK of an earlier one.
        for tree in migration.parsed():
            checks |= checks_of(tree)
    assert checks == {
        "event": set(AlertEvent.stored()),
        "outcome": set(Outcome.words()),
        "reason": set(RevisionReason.words()),
        "state": set(AlertState.words()),
    }


def enums_of(document: Any, name: str = "") -> Iterator[tuple[str, list[str]]]:
    """Give every enum of an OpenAPI document, with the name of its parameter, if it has one."""
    if isinstance(document, list):
        for entry in document:
            yield from enums_of(entry, name)
    elif isinstance(document, dict):
        name = str(document.get("name", name))
        if "enum" in document:
            yield name, document["enum"]
        for entry in document.values():
            yield from enums_of(entry, name)


def test_openapi_enums_are_those_of_the_vocabulary() -> None:
    found = list(enums_of(document(ENDPOINTS)))
    assert {name for name, words in found if words == PeriodType.words()} == {"type", "period"}
    for name, words in found:
        same = [each for each in VOCABULARIES if set(words) & set(each.words())]
        assert all(words == each.words() for each in same), f"{name}: {words}"


@pytest.mark.parametrize("each", VOCABULARIES, ids=lambda each: each.__name__)
def test_every_word_has_a_meaning(each: type[Vocabulary]) -> None:
    for member in each:
        assert member.meaning
        assert not member.meaning.endswith(".")
        assert f"{member}" == member.value


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT 1 FROM t WHERE a.type = 'x' OR 'y' = type::text", {("type", "x"), ("type", "y")}),
        ("SELECT 1 FROM t WHERE type NOT IN ('x', 'y')", {("type", "x"), ("type", "y")}),
        ("SELECT 1 FROM t WHERE type = any(ARRAY['x'])", {("type", "x")}),
        ("SELECT 1 FROM t WHERE type IS DISTINCT FROM 'x'", {("type", "x")}),
        ("SELECT CASE type WHEN 'x' THEN 1 END FROM t", {("type", "x")}),
        ("SELECT 'x' AS type UNION ALL SELECT 'y'", {("type", "x"), ("type", "y")}),
        (
            "SELECT CASE WHEN a THEN 'x' WHEN b THEN coalesce(c, 'y') ELSE 'z' END AS type FROM t",
            {("type", "x"), ("type", "y"), ("type", "z")},
        ),
        ("SELECT 1 FROM t ORDER BY strpos('x y', type)", {("type", "x"), ("type", "y")}),
        ("INSERT INTO t (n, type) VALUES (1, 'x')", {("type", "x")}),
        ("INSERT INTO t (n, type) SELECT 1, 'x'", {("type", "x")}),
        ("UPDATE t SET type = 'x' WHERE name = 'y'", {("type", "x"), ("name", "y")}),
        ("DELETE FROM t WHERE type <> 'x'", {("type", "x")}),
        ("WITH a (type) AS (SELECT 'x') SELECT 1 FROM a", {("type", "x")}),
        ("SELECT 1 FROM t WHERE coalesce(type, '') = 'x'", {("type", "x")}),
        ("SELECT 1 FROM t WHERE (n, type) = (1, 'x')", {("type", "x")}),
        (
            "SELECT 1 FROM t WHERE (type, state) IN (('x', 'a'), ('y', 'b'))",
            {("type", "x"), ("type", "y"), ("state", "a"), ("state", "b")},
        ),
        ("SELECT 1 FROM t WHERE 'x' IN (type, state)", {("type", "x"), ("state", "x")}),
        ("SELECT 1 FROM t WHERE type IN (VALUES ('x'), ('y'))", {("type", "x"), ("type", "y")}),
        ("SELECT 1 FROM t WHERE (n, type) IN (VALUES (1, 'x'))", {("type", "x")}),
        ("SELECT 1 FROM t WHERE type IN (SELECT unnest(ARRAY['x']))", {("type", "x")}),
        ("SELECT 1 FROM t WHERE 'x' = any(SELECT type FROM u)", {("type", "x")}),
        ("SELECT 1 FROM t WHERE type = (SELECT 'x')", {("type", "x")}),
        ("SELECT 1 FROM t WHERE type || 'x' = report ->> 'y'", set()),
    ],
)
def test_literals_are_found(query: str, expected: set[tuple[str, str]]) -> None:
    found = set(literals_of(parse_sql(query)[0].stmt))
    assert {literal for literal in found if literal.column} == expected


@pytest.mark.parametrize(
    "condition",
    [
        "%(type)s = 'x'",
        "'x' <> %(type)s::text",
        "%(type)s IN ('x')",
        "coalesce(%(type)s, '') = 'x'",
        "(%(type)s, n) = ('x', 1)",
        "%(type)s = any(ARRAY['x'])",
    ],
)
def test_literals_of_a_parameter_are_found(condition: str) -> None:
    text = SqlText("a", "a.sql", "", f"SELECT FROM t WHERE {condition}")
    assert list(literals(text)) == [("type", "x")]


def test_literals_of_each_column_are_found() -> None:
    """The search is not blind: SQL has words of each of these columns."""
    found = {literal.column for text in EVERY_TEXT for literal in literals(text)}
    assert set(COLUMNS) <= found
