"""The stack that `demo` and `up` share: servers, an inventory, our tables, its own Airflow.

A database that DATABASE_URL names, or a Redis that REDIS_URL names, is used as it is. What neither
names is embedded, and gone when the stack ends. An existing inventory is never changed.
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

from psycopg.rows import dict_row

from analytics_scheduler.database import connected, server_name
from analytics_scheduler.errors import SchemaError
from analytics_scheduler.local.airflow_home import (
    AirflowHome,
    forget_other_airflow,
    make_airflow_home,
)
from analytics_scheduler.local.folders import cache_folder, find_checkout, new_log_folder
from analytics_scheduler.local.processes import ignore_signals, stopped_by_signals
from analytics_scheduler.local.sample import has_source_tables, load_sample
from analytics_scheduler.local.servers import (
    create_database,
    database_url,
    embedded_postgres,
    embedded_redis,
)
from analytics_scheduler.local.steps import step
from analytics_scheduler.migrations import migrate
from analytics_scheduler.output import Output
from analytics_scheduler.queries import Queries
from analytics_scheduler.settings import CacheSettings, DatabaseSettings
from analytics_scheduler.snapshots import metrics, request_for, take_snapshots
from analytics_scheduler.snapshots.context import RunSettings
from analytics_scheduler.vocabulary import PeriodType

_DATABASE = "inventory"
_LOCATIONS, _PRODUCTS, _MOVEMENTS = 12, 60, 30_000
_SAMPLE_DAYS = 90
_SAMPLE_SCHEMA = "public"


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack; `database` and `cache` are each `embedded` or `given`."""

    home: AirflowHome
    database: str
    cache: str
    server: str


@contextmanager
def running_stack(command: str, output: Output) -> Iterator[Stack]:
    """Start the servers and yield the stack; all of it ends with the block.

    Sets DATABASE_URL and REDIS_URL for this process and those that it starts.
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
        # Entered last, so left first: nothing interrupts the rest of the shutdown.
        stack.callback(ignore_signals)
        kept = cache_folder()
        home = make_airflow_home(Path(folder), cache=kept, logs=new_log_folder(kept, command))
        with connected(DatabaseSettings.load()) as connection:
            server = server_name(connection)
        yield Stack(home, _origin(database), _origin(cache), server)


def _origin(settings: DatabaseSettings | CacheSettings) -> str:
    return "embedded" if settings.url is None else "given"


def prepare_inventory(output: Output) -> dict[str, int] | None:
    """Create sample data if there is no inventory, and the package's tables.

    Returns the sizes of the sample, or None if there was an inventory. Raises SchemaError if it is
    incomplete.
    """
    settings = DatabaseSettings.load()
    with connected(settings) as connection:
        queries = Queries(connection, settings)
        has_inventory = has_source_tables(queries)
        connection.rollback()
        if has_inventory:
            sample = None
            output.line("  Inventory: the existing one is used, and not changed")
        else:
            sample = _make_sample(queries, output)
        with step(output, "Migrations") as under_way:
            report = migrate(queries)
            under_way.detail = f"schema {settings.analytics_schema} is at version {report.version}"
    return sample


def _make_sample(queries: Queries, output: Output) -> dict[str, int]:
    schema = queries.settings.source_schema
    if schema != _SAMPLE_SCHEMA:
        raise SchemaError(
            f"Schema {schema} has no inventory, and sample data are only created in schema "
            f"{_SAMPLE_SCHEMA}. Unset SOURCE_SCHEMA, or run: analytics-scheduler check"
        )
    with step(output, "Sample data") as under_way:
        load_sample(
            queries,
            locations=_LOCATIONS,
            products=_PRODUCTS,
            movements=_MOVEMENTS,
            days=_SAMPLE_DAYS,
            until=datetime.now(UTC),
        )
        under_way.detail = (
            f"{_LOCATIONS} shops, {_PRODUCTS} products, "
            f"{_MOVEMENTS:,} movements in {_SAMPLE_DAYS} days"
        )
    return {
        "locations": _LOCATIONS,
        "products": _PRODUCTS,
        "movements": _MOVEMENTS,
        "days": _SAMPLE_DAYS,
    }


def latest_snapshots() -> list[dict[str, Any]]:
    """Return the rows of the latest day, week and month, in that order and by location."""
    return _rows("list_latest_snapshots", parts={"figures": metrics.columns("s")})


def snapshot_counts() -> dict[str, int]:
    """Return how many snapshots there are of each period type."""
    return {str(row["period_type"]): int(row["row_count"]) for row in _rows("count_snapshots")}


def _rows(name: str, parts: dict[str, str] | None = None) -> list[dict[str, Any]]:
    settings = DatabaseSettings.load()
    with connected(settings) as connection:
        return (
            Queries(connection, settings)
            .run(name, parts=parts, row_factory=dict_row, period_types=PeriodType.words())
            .fetchall()
        )


def take_first(output: Output) -> None:
    """Take the snapshots of the last day, week and month, so that there is something to see."""
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
