"""Sample data: believable shops, products and movements, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from analytics_scheduler.database import statement
from analytics_scheduler.settings import DatabaseSettings

Progress = Callable[[int, int], None]
"""Called with the movements written so far, and with how many there will be."""


@dataclass(frozen=True, slots=True)
class SampleReport:
    """What was loaded."""

    locations: int
    products: int
    movements: int
    first_movement: datetime
    last_movement: datetime
    seconds: float


def create_source_tables(
    connection: Connection[Any], settings: DatabaseSettings | None = None
) -> None:
    """Create the four documented source tables, without their keys and indexes."""
    connection.execute(statement("sample/create_tables", settings or DatabaseSettings.load({})))


def create_source_keys(
    connection: Connection[Any], settings: DatabaseSettings | None = None
) -> None:
    """Create the keys, references and indexes of the source tables; fastest after a load."""
    connection.execute(statement("sample/create_keys", settings or DatabaseSettings.load({})))


def load_sample(
    connection: Connection[Any],
    *,
    locations: int,
    products: int,
    movements: int,
    until: datetime,
    days: int = 90,
    seed: int = 7,
    progress: Progress | None = None,
) -> SampleReport:
    """Fill the empty source tables with movements of the days before `until`, and commit.

    Creates the source tables where they are missing, and their keys and indexes after the load.
    """
    raise NotImplementedError
