"""Roles with the documented privileges and no others, on two schemas, from migration to retention.

The statements come from the deployment page, so that they are known to work.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
import redis
from psycopg.conninfo import conninfo_to_dict
from tests.support.database import execute, rows
from tests.support.documented_source import (
    DOCUMENTED_SOURCE,
    emptied,
    role_of,
    settings_of,
)

from analytics_scheduler.cli import main
from analytics_scheduler.database import connected
from analytics_scheduler.queries import Queries
from analytics_scheduler.source import check_source
from analytics_scheduler.vocabulary import CheckLevel

PAGE = Path(__file__).parents[2] / "include" / "docs" / "deployment.md"
NORTH = "00000000-0000-0000-0000-00000000000a"
MILK = "00000000-0000-0000-0000-0000000000c1"


def documented_grants(role: str) -> list[str]:
    """Return the page's statements for a role, without the first, which creates it."""
    text = PAGE.read_text(encoding="utf-8")
    block = re.search(rf"^    CREATE ROLE {role} (?:.*\n)+?(?=\n)", text, re.MULTILINE)
    assert block is not None
    statements = [each.strip() for each in block.group().split(";")]
    return [each for each in statements if each][1:]


@pytest.fixture
def shop(database_url: str) -> str:
    """Return the URL of a database with an inventory in its own schema, and no privileges."""
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
    """Yield the URLs of the documented roles, by name; their search path is empty."""
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


def life_of_snapshots(shop: str, monkeypatch: pytest.MonkeyPatch, role_url: str) -> None:
    """Check, take all three period types, repair late data and verify, as a role."""
    monkeypatch.setenv("DATABASE_URL", role_url)
    for arguments in (
        ["check"],
        ["run", "daily", "--from", "2026-03-01", "--to", "2026-03-31"],
        ["run", "weekly", "--date", "2026-03-10"],
        ["run", "monthly", "--date", "2026-03-10"],
        ["verify"],
    ):
        assert main(arguments) == 0, arguments
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
    # The week that was composed is pruned; other days wait for their week.
    kept = "SELECT count(*) FROM figures.analytics_snapshots WHERE period_type = 'daily'"
    assert rows(shop, kept) == [(31 - 7,)]
    assert main(["health"]) == 0
    ours = "SELECT DISTINCT schemaname FROM pg_tables WHERE tablename LIKE 'analytics%'"
    assert rows(shop, ours) == [("figures",)]


def test_role_that_may_only_read_counts(
    shop: str, roles: dict[str, str], schemas: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", roles["scheduler"])
    assert main(["migrate"]) == 0
    life_of_snapshots(shop, monkeypatch, roles["scheduler"])
    with role_of(shop) as (reader, url):
        name = conninfo_to_dict(shop)["dbname"]
        execute(shop, f"GRANT CONNECT ON DATABASE {name} TO {reader}")
        execute(shop, f"GRANT USAGE ON SCHEMA inventory, figures TO {reader}")
        execute(shop, f"GRANT SELECT ON ALL TABLES IN SCHEMA inventory, figures TO {reader}")
        monkeypatch.setenv("DATABASE_URL", url)
        assert main(["prune", "--dry-run"]) == 0
        assert main(["prune"]) == 1
        execute(shop, f"DROP OWNED BY {reader}")


def test_the_role_that_only_runs(
    shop: str,
    roles: dict[str, str],
    schemas: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It gets privileges on tables that the owner creates later, and may create none."""
    monkeypatch.setenv("DATABASE_URL", roles["scheduler"])
    assert main(["migrate"]) == 0
    life_of_snapshots(shop, monkeypatch, roles["runner"])
    assert main(["migrate"]) == 0  # needs no privilege if there is nothing to do
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        execute(roles["runner"], "CREATE TABLE figures.extra (n integer)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        execute(roles["runner"], "UPDATE inventory.products SET cost = 0")


@pytest.mark.parametrize(
    ("revoked", "what"),
    [
        ("TEMPORARY ON DATABASE {database}", "may not create temporary tables"),
        ("SELECT ON inventory.products", "no SELECT privilege on inventory.products"),
        ("USAGE ON SCHEMA inventory", "no USAGE privilege on schema inventory"),
    ],
)
def test_check_names_each_missing_privilege(
    shop: str, roles: dict[str, str], schemas: None, *, revoked: str, what: str
) -> None:
    settings = settings_of(
        roles["scheduler"], SOURCE_SCHEMA="inventory", ANALYTICS_SCHEMA="figures"
    )
    role = conninfo_to_dict(roles["scheduler"])["user"]
    database = conninfo_to_dict(shop)["dbname"]
    execute(shop, f"REVOKE {revoked.format(database=database)} FROM {role}")

    with connected(settings) as connection:
        found = check_source(Queries(connection, settings))
    errors = [finding for finding in found if finding.level is CheckLevel.ERROR]
    assert any(what in finding.what for finding in errors)
    execute(shop, *(finding.run for finding in errors))
    with connected(settings) as connection:
        levels = {finding.level for finding in check_source(Queries(connection, settings))}
    assert CheckLevel.ERROR not in levels
