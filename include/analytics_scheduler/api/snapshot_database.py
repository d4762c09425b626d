"""The connection of the endpoints to the database of the snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from analytics_scheduler.database import connected
from analytics_scheduler.queries import Queries
from analytics_scheduler.settings import DatabaseSettings

_STATEMENT_SECONDS = 20  # a caller waits for the answer


@contextmanager
def snapshot_queries() -> Iterator[Queries]:
    """Give queries on a connection of Airflow's, each limited to what a waiting caller accepts."""
    settings = DatabaseSettings.load().limited(_STATEMENT_SECONDS)
    with connected(settings, through_airflow=True) as connection:
        yield Queries(connection, settings)
