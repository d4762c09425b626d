"""A role that has the documented rights and no others, over two schemas: a whole life of snapshots.

The statements are read from the deployment page, so that what it says is what was tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
from psycopg.conninfo import conninfo_to_dict
from tests.support.documented_source import (
    DOCUMENTED_SOURCE,
    emptied,
    execute,
    role_of,
)

from analytics_scheduler.cli import main
from analytics_scheduler.database import connected
from analytics_scheduler.settings import DatabaseSettings
from analytics_scheduler.source import Level, check_source

PAGE = Path(__file__).parents[2] / "include" / "docs" / "deployment.md"
NORTH = "00000000-0000-0000-0000-00000000000a"
MILK = "00000000-0000-0000-0000-0000000000c1"


def documented_grants(role: str) -> list[str]:
    """Return the statements of the page that make a role, but the first, which makes it."""
    text = PAGE.read_text(encoding="utf-8")
    block = re.search(rf"^    CREATE ROLE {role} (?:.*\n)+?(?=\n)", text, re.MULTILINE)
    assert block is not None
    statements = [each.strip() for each in block.group().split(";")]
    return [each for each in statements if each][1:]


@pytest.fixture
def shop(database_url: str) -> str:
    """Give a database whose inventory lies in a schema of its own, and nothing is granted."""
    execute(emptied(database_url), "CREATE SCHEMA inventory")
    with psycopg.connect(database_url, options="-c search_path=inventory") as connection:
        connection.execute(DOCUMENTED_SOURCE)
        connection.execute("INSERT INTO locations VALUES (%s, 'North', true)", (NORTH,))
        connection.execute(
            "INSERT INTO products VALUES (%s, 'Milk', 'MILK-1', 'dairy', 2.00, 5.00)", (MILK,)
        )
        connection.execute("INSERT INTO inventory_items VALUES (%s, %s, 100, now())", (MILK, NORTH))
    book(database_url, "2026-03-10 12:00", quantity=3)
    name = conninfo_to_dict(database_url)["dbname"]
    execute(
        database_url,
        f"REVOKE ALL ON DATABASE {name} FROM PUBLIC",
        "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    )
    return database_url


def book(url: str, moment: str, *, quantity: int) -> None:
    execute(
        url,
        "INSERT INTO inventory.stock_movements VALUES"
        f" ('{MILK}', '{NORTH}', {quantity}, 'out', 'test', '{moment}')",
        f"UPDATE inventory.inventory_items SET quantity = quantity - {quantity}",
    )


@pytest.fixture
def roles(shop: str) -> Iterator[dict[str, str]]:
    """Give the URLs of the documented roles, by name; nothing is in their search path."""
    database = str(conninfo_to_dict(shop)["dbname"])
    with ExitStack() as stack:
        made = {name: stack.enter_context(role_of(shop)) for name in ("runner", "scheduler")}
        for role, _ in made.values():
            execute(shop, f"ALTER ROLE {role} SET search_path = pg_catalog")
        for name in ("scheduler", "runner"):
            for statement in documented_grants(name):
                text = re.sub(r"\bDATABASE shop\b", f"DATABASE {database}", statement)
                for known, (role, _) in made.items():
                    text = re.sub(rf"\b(TO|ROLE|AUTHORIZATION) {known}\b", rf"\1 {role}", text)
                execute(shop, text)
        yield {name: url for name, (_, url) in made.items()}


@pytest.fixture
def schemas(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> None:
    monkeypatch.setenv("SOURCE_SCHEMA", "inventory")
    monkeypatch.setenv("ANALYTICS_SCHEMA", "figures")
    monkeypatch.setenv("REDIS_URL", redis_url)


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def life_of_snapshots(shop: str, monkeypatch: pytest.MonkeyPatch, role_url: str) -> None:
    """Take all three periods, repair late data, prove, publish and prune, as a role."""
    monkeypatch.setenv("DATABASE_URL", role_url)
    for words in (
        ["check"],
        ["run", "daily", "--from", "2026-03-01", "--to", "2026-03-31"],
        ["run", "weekly", "--date", "2026-03-10"],
        ["run", "monthly", "--date", "2026-03-10"],
        ["verify"],
    ):
        assert main(words) == 0, words
    book(shop, "2026-03-10 18:00", quantity=2)
    assert main(["verify"]) == 1
    assert main(["run", "daily", "--date", "2026-03-10"]) == 0
    assert main(["verify"]) == 0
    figures = "SELECT revenue FROM figures.analytics_snapshots WHERE revenue > 0"
    assert rows(shop, figures + " AND period_type = 'daily'") == [(25,)]  # 5 milks at 5.00
    assert rows(shop, figures + " AND period_type <> 'daily'") == [(25,), (25,)]
    assert rows(shop, "SELECT reason FROM figures.analytics_snapshot_revisions LIMIT 1") == [
        ("late data",)
    ]


def test_the_documented_role_migrates_and_runs(
    shop: str,
    roles: dict[str, str],
    schemas: None,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", roles["scheduler"])
    assert main(["migrate"]) == 0
    life_of_snapshots(shop, monkeypatch, roles["scheduler"])

    with redis.Redis.from_url(redis_url) as client:
        assert client.exists(f"analytics:snapshot:daily:{NORTH}")
    assert main(["prune"]) == 0
    # All but the week that was composed: the others wait for theirs.
    kept = "SELECT count(*) FROM figures.analytics_snapshots WHERE period_type = 'daily'"
    assert rows(shop, kept) == [(31 - 7,)]
    assert main(["health"]) == 0
    ours = "SELECT DISTINCT schemaname FROM pg_tables WHERE tablename LIKE 'analytics%'"
    assert rows(shop, ours) == [("figures",)]


def test_the_role_that_only_runs_runs(
    shop: str,
    roles: dict[str, str],
    schemas: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its rights come with the tables that the owner makes later, and it may make none."""
    monkeypatch.setenv("DATABASE_URL", roles["scheduler"])
    assert main(["migrate"]) == 0
    life_of_snapshots(shop, monkeypatch, roles["runner"])
    assert main(["migrate"]) == 0  # nothing to do needs no right
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        execute(roles["runner"], "CREATE TABLE figures.extra (n integer)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        execute(roles["runner"], "UPDATE inventory.products SET cost = 0")


@pytest.mark.parametrize(
    ("revoked", "words"),
    [
        ("TEMPORARY ON DATABASE {database}", "may not make temporary tables"),
        ("SELECT ON inventory.products", "SELECT from inventory.products"),
        ("USAGE ON SCHEMA inventory", "may not use the schema inventory"),
    ],
)
def test_check_names_each_right_that_is_missing(
    shop: str, roles: dict[str, str], schemas: None, *, revoked: str, words: str
) -> None:
    settings = DatabaseSettings.load(
        {
            "DATABASE_URL": roles["scheduler"],
            "SOURCE_SCHEMA": "inventory",
            "ANALYTICS_SCHEMA": "figures",
        }
    )
    role = conninfo_to_dict(roles["scheduler"])["user"]
    database = conninfo_to_dict(shop)["dbname"]
    execute(shop, f"REVOKE {revoked.format(database=database)} FROM {role}")

    with connected(settings) as connection:
        found = check_source(connection, settings)
    errors = [finding for finding in found if finding.level is Level.ERROR]
    assert any(words in finding.what for finding in errors)
    execute(shop, *(finding.run for finding in errors))
    with connected(settings) as connection:
        levels = {finding.level for finding in check_source(connection, settings)}
    assert Level.ERROR not in levels
