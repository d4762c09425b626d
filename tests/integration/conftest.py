"""An inventory to fill and an analyst to take snapshots of it, in a fresh database each."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import Connection
from tests.support.inventory import Analyst, Inventory

from analytics_scheduler.settings import DatabaseSettings


@pytest.fixture
def inventory(connection: Connection[Any]) -> Inventory:
    return Inventory(connection)


@pytest.fixture
def analyst(connection: Connection[Any], database_settings: DatabaseSettings) -> Analyst:
    return Analyst(connection, database_settings)
