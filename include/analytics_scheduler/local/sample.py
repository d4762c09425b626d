"""Sample data: believable shops, products and movements, the same for the same seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

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


def create_source_tables(connection: Connection[Any]) -> None:
    """Create the four documented source tables in the schema `public`, without their indexes."""
    raise NotImplementedError


def create_source_indexes(connection: Connection[Any]) -> None:
    """Create the indexes that the snapshots use on the movements."""
    raise NotImplementedError


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

    Creates the source tables where they are missing, and their indexes after the load.
    """
    raise NotImplementedError
