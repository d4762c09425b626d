"""The stack that `demo` and `up` share: servers, an inventory, our tables, an Airflow of its own.

A database or a Redis that DATABASE_URL or REDIS_URL names is used as it is; the rest is embedded,
and gone when the stack ends. An inventory that is there is never changed.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from analytics_scheduler.database import connected, server_name, statement
from analytics_scheduler.errors import SchemaError
from analytics_scheduler.local.airflow_home import (
    AirflowHome,
    forget_other_airflow,
    make_airflow_home,
)
from analytics_scheduler.local.folders import cache_folder, find_checkout, new_log_folder
from analytics_scheduler.local.processes import ignore_signals
from analytics_scheduler.local.sample import load_sample
from analytics_scheduler.local.servers import (
    create_database,
    database_url,
    embedded_postgres,
    embedded_redis,
    stopped_by_signals,
)
from analytics_scheduler.local.steps import step
from analytics_scheduler.migrations import migrate
from analytics_scheduler.output import Output
from analytics_scheduler.settings import CacheSettings, DatabaseSettings
from analytics_scheduler.snapshots import request_for, take_snapshots
from analytics_scheduler.snapshots.context import RunSettings
from analytics_scheduler.vocabulary import PeriodType

_DATABASE = "inventory"
_LOCATIONS, _PRODUCTS, _MOVEMENTS = 12, 60, 30_000
_SAMPLE_DAYS = 90
_SAMPLE_SCHEMA = "public"
_RELATIONS = 4


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack; `database` and `cache` say whether each is embedded or given."""

    home: AirflowHome
    database: str
    cache: str
    server: str


@contextmanager
def running_stack(command: str, output: Output) -> Iterator[Stack]:
    """Start the servers and give the stack; all of it ends with the block.

    DATABASE_URL and REDIS_URL are set for this process and those that it starts.
    """
    find_checkout()
    forget_other_airflow()
    database, cache = DatabaseSettings.load(), CacheSettings.load()
    with ExitStack() as stack:
        stack.enter_context(stopped_by_signals())
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="analytics-airflow-"))
        with step(output, "Servers") as under_way:
            if database.url is None:
                base_url = stack.enter_context(embedded_postgres())
                create_database(base_url, _DATABASE)
                os.environ["DATABASE_URL"] = database_url(base_url, _DATABASE)
            if cache.url is None:
                os.environ["REDIS_URL"] = stack.enter_context(embedded_redis())
            under_way.detail = f"PostgreSQL {_origin(database)}, Redis {_origin(cache)}"
        # The last to be entered is the first to be left: from then on nothing interrupts the end.
        stack.callback(ignore_signals)
        kept = cache_folder()
        home = make_airflow_home(Path(folder), cache=kept, logs=new_log_folder(kept, command))
        with connected(DatabaseSettings.load()) as connection:
            server = server_name(connection)
        yield Stack(home, _origin(database), _origin(cache), server)


def _origin(settings: DatabaseSettings | CacheSettings) -> str:
    return "embedded" if settings.url is None else "given"


def prepare_inventory(output: Output) -> dict[str, int] | None:
    """Make the sample where there is no inventory, and our tables; return the sample's sizes.

    None stands for an inventory that was there. Raises SchemaError for one that is not whole.
    """
    settings = DatabaseSettings.load()
    with connected(settings) as connection:
        if _has_inventory(connection, settings):
            sample = None
            output.line("  Inventory: the one that is there is used, and not changed")
        else:
            sample = _make_sample(connection, settings, output)
        with step(output, "Migrations") as under_way:
            report = migrate(connection, settings)
            under_way.detail = f"schema {settings.analytics_schema} is at version {report.version}"
    return sample


def _has_inventory(connection: Connection[Any], settings: DatabaseSettings) -> bool:
    rows = connection.execute(
        statement("find_source_tables", settings), {"source_schema": settings.source_schema}
    ).fetchall()
    connection.rollback()
    if rows and len(rows) < _RELATIONS:
        found = ", ".join(str(name) for (name,) in rows)
        raise SchemaError(
            f"Schema {settings.source_schema} has a part of an inventory only ({found}): nothing "
            "was changed. Run: analytics-scheduler check"
        )
    return bool(rows)


def _make_sample(
    connection: Connection[Any], settings: DatabaseSettings, output: Output
) -> dict[str, int]:
    if settings.source_schema != _SAMPLE_SCHEMA:
        raise SchemaError(
            f"Schema {settings.source_schema} has no inventory, and sample data are made in schema "
            f"{_SAMPLE_SCHEMA} only. Unset SOURCE_SCHEMA, or run: analytics-scheduler check"
        )
    with step(output, "Sample data") as under_way:
        report = load_sample(
            connection,
            locations=_LOCATIONS,
            products=_PRODUCTS,
            movements=_MOVEMENTS,
            days=_SAMPLE_DAYS,
            until=datetime.now(UTC),
        )
        under_way.detail = (
            f"{report.locations} shops, {report.products} products, "
            f"{report.movements:,} movements in {_SAMPLE_DAYS} days"
        )
    return {
        "locations": report.locations,
        "products": report.products,
        "movements": report.movements,
        "days": _SAMPLE_DAYS,
    }


def latest_snapshots() -> list[dict[str, Any]]:
    """Return the rows of the latest day, week and month, in that order and by location."""
    return _rows("list_latest_snapshots")


def snapshot_counts() -> dict[str, int]:
    """Return how many snapshots there are of each kind of period."""
    return {str(row["period_type"]): int(row["row_count"]) for row in _rows("count_snapshots")}


def _rows(name: str) -> list[dict[str, Any]]:
    settings = DatabaseSettings.load()
    with connected(settings) as connection:
        cursor = connection.cursor(row_factory=dict_row)
        return cursor.execute(statement(name, settings)).fetchall()


def take_first(output: Output) -> None:
    """Take the snapshots of the last day, week and month, so that there is something to look at."""
    setup = RunSettings.load()
    now = datetime.now(UTC)
    with step(output, "Snapshots") as under_way, connected(setup.database) as connection:
        for period_type in PeriodType:
            under_way.progress(period_type.value)
            request = request_for(
                period_type, setup.calendar, run_id=f"up__{now.isoformat()}", moment=now, now=now
            )
            report = take_snapshots(connection, setup, request)
            for failure in report.failures:
                output.warning(str(failure))
        under_way.detail = "the last day, week and month of every shop"
