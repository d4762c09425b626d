"""The source as the documentation describes it, the former service's table, and roles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit
from uuid import uuid4

from tests.support.database import execute

from analytics_scheduler.settings import DatabaseSettings

DOCUMENTED_SOURCE = """
    CREATE TABLE locations (id uuid PRIMARY KEY, name varchar(255), is_active boolean);
    CREATE TABLE products (
        id uuid PRIMARY KEY, name varchar(255), sku varchar(100), category varchar(100),
        cost numeric(10, 2), price numeric(10, 2)
    );
    CREATE TABLE inventory_items (
        product_id uuid, location_id uuid, quantity integer, last_updated timestamp,
        UNIQUE (product_id, location_id)
    );
    CREATE TABLE stock_movements (
        product_id uuid, location_id uuid, quantity integer, type varchar(20), reason text,
        created_at timestamp
    );
    CREATE INDEX ON stock_movements (created_at);
    CREATE INDEX ON stock_movements (location_id, created_at);
"""
ONE_SHOP = """
    INSERT INTO locations VALUES ('00000000-0000-0000-0000-00000000000a', 'Corner shop', true);
    INSERT INTO products VALUES
        ('00000000-0000-0000-0000-0000000000c1', 'Milk', 'MILK-1', 'dairy', 0.79, 1.29);
"""
FORMER_TABLE = """
    CREATE TABLE analytics_snapshots (
        id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
        location_id UUID NOT NULL REFERENCES locations(id),
        period_type VARCHAR(20) NOT NULL,
        period_start DATE NOT NULL,
        period_end DATE NOT NULL,
        total_inventory_value DECIMAL(12,2),
        total_items INTEGER,
        turnover_ratio DECIMAL(8,2),
        wastage_value DECIMAL(12,2),
        wastage_percentage DECIMAL(5,2),
        revenue DECIMAL(12,2),
        cost_of_goods_sold DECIMAL(12,2),
        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        UNIQUE(location_id, period_type, period_start)
    )
"""
# Those columns: a migration may add others.
FORMER_SNAPSHOTS = """
    SELECT
        id, location_id, period_type, period_start, period_end,
        total_inventory_value, total_items, turnover_ratio, wastage_value,
        wastage_percentage, revenue, cost_of_goods_sold, created_at
    FROM analytics_snapshots
    ORDER BY id
"""


def emptied(url: str) -> str:
    """Leave nothing in the database but an empty schema public; return its URL."""
    execute(
        url,
        "DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC",
    )
    return url


def settings_of(url: str, **variables: str) -> DatabaseSettings:
    """Return the settings of a test database, with other variables such as SOURCE_SCHEMA."""
    return DatabaseSettings.load({"DATABASE_URL": url, **variables})


@contextmanager
def role_of(url: str, attributes: str = "LOGIN PASSWORD 's3cret'") -> Iterator[tuple[str, str]]:
    """Yield the name of a new role without any privilege, and the URL that it connects with."""
    role = f"analyst_{uuid4().hex[:12]}"
    execute(url, f"CREATE ROLE {role} {attributes}")
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    try:
        yield role, parts._replace(netloc=f"{role}:s3cret@{address}").geturl()
    finally:
        execute(url, f"DROP OWNED BY {role} CASCADE", f"DROP ROLE {role}")
