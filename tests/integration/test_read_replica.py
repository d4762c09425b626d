"""A source on a streaming standby, read through foreign tables in SOURCE_SCHEMA."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection
from tests.support.database import execute, value
from tests.support.documented_source import DOCUMENTED_SOURCE, settings_of
from tests.support.inventory import Analyst, Inventory, figures
from tests.support.postgres_servers import (
    link_to,
    primary_and_standby,
    wait_for_replay,
)

from analytics_scheduler.cli import main
from analytics_scheduler.database import connected
from analytics_scheduler.errors import DatabaseRefusedError
from analytics_scheduler.local.servers import create_database, database_url
from analytics_scheduler.migrations import migrate
from analytics_scheduler.queries import Queries
from analytics_scheduler.snapshots.verify import verify_snapshots


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[str, str]]:
    with primary_and_standby() as pair:
        yield pair


@dataclass(frozen=True, slots=True)
class Replicated:
    """An inventory on the primary, and a database of snapshots that reads it from the standby."""

    primary: str
    standby: str
    name: str
    inventory: Inventory
    analyst: Analyst

    @property
    def figures_url(self) -> str:
        return database_url(self.primary, f"figures_{self.name}")

    def catch_up(self) -> None:
        wait_for_replay(self.primary, self.standby)

    def on_standby(self, query: str) -> Any:
        return value(database_url(self.standby, f"inventory_{self.name}"), query)


@pytest.fixture
def replicated(servers: tuple[str, str]) -> Iterator[Replicated]:
    primary, standby = servers
    name = token_hex(4)
    create_database(primary, f"inventory_{name}")
    create_database(primary, f"figures_{name}")
    source = database_url(primary, f"inventory_{name}")
    target = database_url(primary, f"figures_{name}")
    execute(source, DOCUMENTED_SOURCE)
    wait_for_replay(primary, standby)
    link_to(target, standby, name=f"inventory_{name}")
    settings = settings_of(target, SOURCE_SCHEMA="replica")
    with psycopg.connect(source) as books, psycopg.connect(target) as connection:
        migrate(Queries(connection, settings))
        yield Replicated(primary, standby, name, Inventory(books), Analyst(connection, settings))


@pytest.fixture
def shop(replicated: Replicated) -> tuple[UUID, UUID]:
    """A shop that sells three milks a day in the first half of March, and its milk."""
    inventory = replicated.inventory
    shop, milk = inventory.location("North"), inventory.product("2.00", "5.00")
    inventory.move(shop, milk, "in", 100, "2026-02-20T08:00")
    for day in range(1, 16):
        inventory.move(shop, milk, "out", 3, f"2026-03-{day:02}T12:00")
    replicated.catch_up()
    return shop, milk


def test_figures_are_those_of_the_tables(replicated: Replicated, shop: tuple[UUID, UUID]) -> None:
    replicated.analyst.take(at="2026-03-16T02:00", days=("2026-03-01", "2026-03-15"))
    replicated.analyst.take("weekly", at="2026-03-15T03:00")

    # 100 came and 45 left: 55 milks at 2.00. In the week of the 8th, 7 times 3 were sold at 5.00.
    day = figures(replicated.analyst.row(shop[0], "2026-03-15"))
    assert (day["total_items"], day["total_inventory_value"], day["revenue"]) == (
        "55",
        "110.00",
        "15.00",
    )
    assert replicated.analyst.row(shop[0], "2026-03-08", "weekly")["revenue"] == 105
    report = verify_snapshots(replicated.analyst.connection, replicated.analyst.settings)
    assert (report.rows, report.findings) == (16, [])


def test_every_command_works_and_only_reads(
    replicated: Replicated,
    shop: tuple[UUID, UUID],
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A standby refuses every write, even to a temporary table: that everything works shows it."""
    monkeypatch.setenv("DATABASE_URL", replicated.figures_url)
    monkeypatch.setenv("SOURCE_SCHEMA", "replica")
    monkeypatch.setenv("REDIS_URL", redis_url)
    assert replicated.on_standby("SELECT pg_is_in_recovery()") is True
    for arguments in (
        ["migrate"],
        ["run", "daily", "--date", "2026-03-14"],
        ["run", "weekly", "--date", "2026-03-14"],
        ["run", "monthly", "--date", "2026-02-14"],
        ["verify"],
        ["prune"],
        ["health"],
    ):
        assert main(arguments) == 0, arguments
    capsys.readouterr()

    assert main(["check", "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {finding["level"] for finding in findings} == {"note"}
    assert any("its indexes cannot be checked" in finding["what"] for finding in findings)
    keys = "SELECT count(*) FROM pg_constraint WHERE contype = 'f'"
    assert replicated.analyst.rows(keys) == [(0,)]


def test_a_day_that_was_read_too_early_is_repaired(
    replicated: Replicated, shop: tuple[UUID, UUID]
) -> None:
    north, milk = shop
    replicated.on_standby("SELECT pg_wal_replay_pause() IS NULL")
    replicated.inventory.move(north, milk, "out", 10, "2026-03-15T18:00")

    replicated.analyst.take(at="2026-03-16T02:00")
    assert replicated.analyst.row(north, "2026-03-15")["revenue"] == 15
    assert replicated.on_standby("SELECT pg_is_wal_replay_paused()") is True

    replicated.on_standby("SELECT pg_wal_replay_resume() IS NULL")
    replicated.catch_up()
    report = replicated.analyst.take(at="2026-03-17T02:00")

    assert report.days_repaired == 1
    row = replicated.analyst.row(north, "2026-03-15")
    assert (row["revenue"], row["total_items"]) == (65, 45)
    assert not report.unexplained
    assert verify_snapshots(replicated.analyst.connection, replicated.analyst.settings).wrong == []


def test_a_transaction_reads_one_state(replicated: Replicated, shop: tuple[UUID, UUID]) -> None:
    """Stock and movements must be of one moment, although the replica scans them separately."""
    north, milk = shop
    connection: Connection[Any] = replicated.analyst.connection
    stock = "SELECT sum(quantity) FROM replica.inventory_items"
    before = connection.execute(stock).fetchone()
    replicated.inventory.move(north, milk, "out", 5, "2026-03-15T19:00")
    replicated.catch_up()
    counted = connection.execute("SELECT count(*) FROM replica.stock_movements").fetchone()
    assert connection.execute(stock).fetchone() == before == (55,)
    assert counted == (16,)
    connection.rollback()
    assert connection.execute(stock).fetchone() == (50,)


def test_an_unreachable_replica_is_named(
    replicated: Replicated,
    shop: tuple[UUID, UUID],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    execute(
        replicated.figures_url,
        "ALTER SERVER inventory_replica OPTIONS (SET host '127.0.0.1', ADD port '1')",
    )
    monkeypatch.setenv("DATABASE_URL", replicated.figures_url)
    monkeypatch.setenv("SOURCE_SCHEMA", "replica")

    assert main(["run", "daily", "--date", "2026-03-14"]) == 1
    assert 'could not connect to server "inventory_replica"' in capsys.readouterr().err


def test_a_limit_ends_the_statement_on_the_replica(
    replicated: Replicated, shop: tuple[UUID, UUID]
) -> None:
    """It must not go on working for nobody."""
    short = replace(replicated.analyst.database, task_timeout_seconds=1)
    execute(
        database_url(replicated.primary, f"inventory_{replicated.name}"),
        "CREATE VIEW slow AS SELECT id, pg_sleep(30)::text AS nap FROM locations",
    )
    execute(
        replicated.figures_url,
        "CREATE FOREIGN TABLE replica.slow (nap text) SERVER inventory_replica"
        " OPTIONS (schema_name 'public')",
    )
    replicated.catch_up()

    with pytest.raises(DatabaseRefusedError, match="statement timeout"), connected(short) as link:
        link.execute("SELECT nap FROM replica.slow")
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    assert replicated.on_standby(asleep) == 0
