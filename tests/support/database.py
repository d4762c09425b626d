"""How tests execute SQL of their own: on a connection, or once by a URL.

Only where the session matters does a test execute on its connection itself: it holds a lock until
a block ends, has settings of its own, or is the one that the tested code is given.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection

from analytics_scheduler.local.servers import database_url


@dataclass(frozen=True, slots=True)
class Database:
    """A connection on which every statement is committed, so that other connections see it."""

    connection: Connection[Any]

    def execute(self, query: str, *values: object) -> None:
        """Execute a statement and commit."""
        self.connection.execute(query, values or None)
        self.connection.commit()

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query, and leave no transaction open."""
        found = self.connection.execute(query, values).fetchall()
        self.connection.rollback()
        return found

    def value(self, query: str, *values: object) -> Any:
        """Return the one value of a query."""
        [(found,)] = self.rows(query, *values)
        return found


def execute(url: str, *statements: str) -> None:
    """Execute statements over a connection of their own, each committed by itself."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def rows(url: str, query: str, *values: object) -> list[tuple[Any, ...]]:
    """Return the rows of a query over a connection of its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query, values or None).fetchall()


def value(url: str, query: str, *values: object) -> Any:
    """Return the one value of a query over a connection of its own."""
    [(found,)] = rows(url, query, *values)
    return found


@contextmanager
def scratch_database(base_url: str, *, template: str = "template1") -> Iterator[str]:
    """Create a copy of a database, yield its URL, and drop it in the end with its sessions."""
    name = f"analytics_scratch_{secrets.token_hex(6)}"
    _copy_database(base_url, name, template)
    try:
        yield database_url(base_url, name)
    finally:
        execute(base_url, f"DROP DATABASE {name} WITH (FORCE)")


def _copy_database(base_url: str, name: str, template: str) -> None:
    """Copy the files where nothing is flushed to disk; elsewhere the way through the log is faster.

    PostgreSQL 14 knows only the files.
    """
    with psycopg.connect(base_url, autocommit=True) as connection:
        has_choice = connection.info.server_version >= 150_000
        [(fsync,)] = connection.execute("SHOW fsync").fetchall()
        strategy = "STRATEGY file_copy" if has_choice and fsync == "off" else ""
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} {strategy}")
