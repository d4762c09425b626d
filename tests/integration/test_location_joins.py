"""Every statement that a run sends keeps to one location, as a database that is cut by it needs.

The statements are those that a whole life of snapshots sends, with their parts put in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection, sql
from tests.support.database import rows
from tests.support.inventory import Analyst, Inventory
from tests.support.location_joins import KEYS, SAME_EVERYWHERE, problems_of

from analytics_scheduler.cache.publish import publish_figures
from analytics_scheduler.periods import Calendar
from analytics_scheduler.queries import statements
from analytics_scheduler.retention import prune
from analytics_scheduler.settings import CacheSettings, RetentionSettings
from analytics_scheduler.snapshots import plan_shards
from analytics_scheduler.snapshots.verify import verify_snapshots
from analytics_scheduler.vocabulary import PeriodType

FILES = ("snapshots/", "cache.sql", "retention/")
SENT: set[str] = set()


class Recorder(psycopg.Cursor[Any]):
    """A cursor that keeps the text of what it sends."""

    def execute(self, query: Any, *arguments: Any, **options: Any) -> Any:
        SENT.add(query.as_string(self.connection) if isinstance(query, sql.Composable) else query)
        return super().execute(query, *arguments, **options)


class NamedRecorder(psycopg.ServerCursor[Any]):
    """A server-side cursor that keeps the text of what it sends."""

    def execute(self, query: Any, *arguments: Any, **options: Any) -> Any:
        SENT.add(query.as_string(self.connection) if isinstance(query, sql.Composable) else query)
        return super().execute(query, *arguments, **options)


@pytest.fixture
def recorded(connection: Connection[Any]) -> Iterator[set[str]]:
    """Keep every statement that the connection sends."""
    SENT.clear()
    connection.cursor_factory = Recorder
    connection.server_cursor_factory = NamedRecorder
    yield SENT
    SENT.clear()


def life_of_snapshots(inventory: Inventory, analyst: Analyst, redis_url: str) -> None:
    """Take, repair, force, prove, publish and prune, so that every statement has its turn."""
    milk = inventory.product("2.00", "5.00")
    shops = [inventory.location(name) for name in ("North", "South", "West")]
    for shop in shops:
        inventory.move(shop, milk, "in", 1000, "2026-01-01T08:00")
        for day in range(1, 29):
            inventory.move(shop, milk, "out", 3, f"2026-02-{day:02}T12:00")
    analyst.take(at="2026-02-16T02:00")
    analyst.take("monthly", at="2026-03-01T04:00", day="2026-01-15")
    analyst.take("weekly", at="2026-02-16T03:00")
    analyst.take("weekly", at="2026-02-16T03:00")
    analyst.take(at="2026-02-16T02:00", day="2026-02-01")  # carried from the day before
    _refuse(inventory, shops[1])
    analyst.take(at="2026-02-17T02:00")  # so it is done location by location
    inventory.reprice(milk, cost="2.50")
    _disturb(inventory, shops, milk)
    inventory.stock(shops[0], milk, 1)  # counted, and typed in
    mint = inventory.location("Mint")
    gold = inventory.product("99999999.99")
    inventory.move(mint, gold, "in", 2_000_000_000, "2026-02-17T12:00")
    analyst.take(at="2026-02-18T02:00")
    inventory.execute("UPDATE locations SET is_active = false WHERE id = %s", mint)
    analyst.take(at="2026-02-18T02:00", day="2026-02-16", force=True)
    inventory.move(shops[1], gold, "in", 2_000_000_000, "2026-02-17T13:00")
    verify_snapshots(analyst.connection, analyst.settings)
    verify_snapshots(analyst.connection, analyst.settings, sample=3)
    sharded = replace(analyst, environ=(("SNAPSHOT_SHARDS", "256"),))
    assert len(plan_shards(analyst.queries, sharded.settings.snapshots)) == len(shops)
    caches = CacheSettings.load({"REDIS_URL": redis_url})
    publish_figures(analyst.queries, caches, [PeriodType.DAILY])
    _grow_old(inventory)
    for dry_run in (True, False):
        prune(
            analyst.queries,
            RetentionSettings.load({}),
            Calendar(analyst.settings.calendar.timezone, 6),
            moment=datetime.now(UTC),
            dry_run=dry_run,
        )


def _refuse(inventory: Inventory, shop: UUID) -> None:
    """Let the database refuse the days of one shop."""
    inventory.execute(
        f"ALTER TABLE analytics_snapshot_days ADD CHECK (location_id <> '{shop}') NOT VALID"
    )


def _disturb(inventory: Inventory, shops: list[UUID], milk: UUID) -> None:
    """Book a movement late, and one of an unknown type, which makes its shop unusable."""
    inventory.move(shops[0], milk, "out", 5, "2026-02-12T15:00")
    inventory.move(shops[2], milk, "theft", 1, "2026-02-16T15:00")


def _grow_old(inventory: Inventory) -> None:
    """Store what retention deletes beside snapshots: old records of runs, alerts and prices."""
    inventory.execute(
        "INSERT INTO analytics_snapshot_runs"
        " (task, run_id, outcome, started_at, finished_at, report)"
        " SELECT 'daily-snapshot', 'test', 'success', day, day, '{}'"
        " FROM unnest(ARRAY['2020-01-01', '2020-01-02']::timestamptz[]) AS d (day)"
    )
    inventory.execute(
        "INSERT INTO analytics_snapshot_alerts"
        " (id, event, task, body, created_at, state, opens_incident)"
        " VALUES (gen_random_uuid(), 'success', 'daily-snapshot', '{}', '2020-01-01',"
        " 'delivered', false)"
    )
    inventory.execute(
        "INSERT INTO analytics_snapshot_prices"
        " SELECT id, day, 1, 2 FROM products,"
        " unnest(ARRAY['2020-01-01', '2020-01-02']::timestamptz[]) AS d (day)"
    )


def test_statements_join_within_a_location(
    recorded: set[str],
    inventory: Inventory,
    analyst: Analyst,
    redis_url: str,
) -> None:
    life_of_snapshots(inventory, analyst, redis_url)

    crossing = {text: found for text in recorded if (found := problems_of(text))}
    assert not crossing
    sent = {text.splitlines()[0] for text in recorded}
    unsent = [
        name
        for name, statement in statements().items()
        if statement.file.startswith(FILES) and not name.startswith("_")
        if f"-- name: {name}" not in sent
    ]
    assert not unsent


def test_join_across_locations_named() -> None:
    """What the statements are held to, shown on the ways to break it."""
    moved = "SELECT FROM stock_movements AS m "
    stock = "JOIN inventory_items AS i ON i.product_id = m.product_id"
    crossing = (
        moved + stock,
        moved + stock + " AND (i.location_id = m.location_id OR m.quantity > 5)",
        moved + "CROSS JOIN inventory_items AS i",
        moved + "WHERE m.product_id IN (SELECT product_id FROM inventory_items)",
        "SELECT FROM locations AS l WHERE EXISTS (" + moved + "WHERE m.reason = l.name)",
        "SELECT FROM locations AS l, LATERAL (" + moved + "WHERE m.reason = l.name) AS x",
        "WITH sold AS (SELECT product_id, sum(quantity) FROM stock_movements GROUP BY product_id) "
        "SELECT FROM sold, inventory_items",
        "DELETE FROM analytics_snapshots AS s USING wanted_days AS w WHERE s.period_start = w.day",
    )
    keeping = (
        moved + stock + " AND i.location_id = m.location_id",
        moved + "LEFT JOIN products AS p ON p.id = m.product_id",
        "SELECT FROM locations AS l WHERE EXISTS (" + moved + "WHERE m.location_id = l.id)",
        "SELECT FROM locations AS l WHERE l.id IN (SELECT location_id FROM stock_movements)",
        "WITH sold AS (SELECT location_id FROM stock_movements GROUP BY location_id) "
        "SELECT FROM sold AS s JOIN inventory_items AS i ON i.location_id = s.location_id",
    )
    assert [text for text in crossing if not problems_of(text)] == []
    assert [(text, problems_of(text)) for text in keeping if problems_of(text)] == []


def test_every_table_classified(database_url: str) -> None:
    tables = rows(database_url, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert {name for (name,) in tables} <= set(KEYS) | SAME_EVERYWHERE
