"""The latest figures reach Redis exactly, and the version rises when one of them changes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from psycopg import Connection
from tests.support.redis_servers import RedisServer
from tests.support.snapshots import StoredSnapshots

from analytics_scheduler.cache.publish import (
    PublishReport,
    publish_figures,
    ttl_seconds,
)
from analytics_scheduler.errors import CacheUnavailableError
from analytics_scheduler.local.processes import free_port
from analytics_scheduler.queries import Queries
from analytics_scheduler.settings import CacheSettings, DatabaseSettings
from analytics_scheduler.snapshots import metrics
from analytics_scheduler.vocabulary import PeriodType

CACHE_PAGE = Path(__file__).parents[2] / "include" / "docs" / "cache.md"
DAY_SECONDS = 86_400
YESTERDAY = date(2026, 6, 9)
FIGURES: dict[str, Any] = {
    "total_inventory_value": "9999999999.99",
    "total_items": "-7",
    "turnover_ratio": None,
    "wastage_value": "0.00",
    "wastage_percentage": "0.10",
    "revenue": "12.50",
    "cost_of_goods_sold": "0.00",
}


@pytest.fixture
def client(own_redis: RedisServer) -> Iterator[redis.Redis]:
    with own_redis.client() as client:
        client.flushall()
        client.config_set("maxmemory", "0")
        yield client


@dataclass(frozen=True, slots=True)
class Publisher:
    """Publishes from one database to one Redis server."""

    queries: Queries
    settings: CacheSettings

    def publish(self, period_type: PeriodType = PeriodType.DAILY) -> PublishReport:
        [report] = publish_figures(self.queries, self.settings, [period_type])
        return report


@pytest.fixture
def publisher(
    connection: Connection[Any], database_settings: DatabaseSettings, own_redis: RedisServer
) -> Publisher:
    queries = Queries(connection, database_settings)
    return Publisher(queries, CacheSettings.load({"REDIS_URL": own_redis.url}))


@pytest.fixture
def shop(stored: StoredSnapshots) -> UUID:
    """Give a location with a snapshot of yesterday."""
    location = stored.location()
    stored.snapshot(location, "daily", YESTERDAY, **FIGURES)
    return location


def entry(client: redis.Redis, location: UUID, period_type: str = "daily") -> dict[str, Any]:
    stored = client.get(f"analytics:snapshot:{period_type}:{location}")
    assert stored is not None
    found: dict[str, Any] = json.loads(stored)
    return found


def test_publish_exact_decimals(publisher: Publisher, shop: UUID, client: redis.Redis) -> None:
    report = publisher.publish()

    expected = {
        "location_id": str(shop),
        "period_type": "daily",
        "period_start": "2026-06-09",
        "period_end": "2026-06-09",
        **FIGURES,
    }
    found = entry(client, shop)
    assert {name: found[name] for name in expected} == expected
    assert client.get("analytics:snapshot:daily:version") == b"1"
    assert report == PublishReport(period_type=PeriodType.DAILY, published=1, changed=1, version=1)


def test_publish_every_figure(publisher: Publisher, shop: UUID, client: redis.Redis) -> None:
    """Also one that is added to metrics.py: nothing in the cache lists them."""
    publisher.publish()
    assert list(entry(client, shop))[4:] == list(metrics.NAMES)


def test_publish_figures_of_period_types(
    publisher: Publisher, stored: StoredSnapshots, shop: UUID, client: redis.Redis
) -> None:
    stored.snapshot(shop, "weekly", date(2026, 5, 31), date(2026, 6, 6))
    stored.snapshot(shop, "monthly", date(2026, 5, 1), date(2026, 5, 31))

    period_types = [PeriodType.DAILY, PeriodType.MONTHLY]
    reports = publish_figures(publisher.queries, publisher.settings, period_types)

    assert [report.period_type for report in reports] == period_types
    assert sorted(client.keys("*:version")) == [
        b"analytics:snapshot:daily:version",
        b"analytics:snapshot:monthly:version",
    ]


def test_publish_figures_redis_down(publisher: Publisher, shop: UUID) -> None:
    down = CacheSettings.load({"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"})
    with pytest.raises(CacheUnavailableError, match="cannot be reached"):
        publish_figures(publisher.queries, down, [PeriodType.DAILY])


def test_older_day_never_replaces_a_newer_one(
    publisher: Publisher, stored: StoredSnapshots, shop: UUID, client: redis.Redis
) -> None:
    publisher.publish()
    stored.snapshot(shop, "daily", date(2026, 6, 1), revenue="1.00")

    report = publisher.publish()

    assert entry(client, shop)["period_start"] == "2026-06-09"
    assert (report.changed, report.version) == (0, 1)


def test_publish_latest_day_of_active_locations(
    publisher: Publisher, stored: StoredSnapshots, shop: UUID, client: redis.Redis
) -> None:
    late, closed = stored.location(), stored.location(is_active=False)
    stored.snapshot(late, "daily", date(2026, 6, 8))
    stored.snapshot(closed, "daily", YESTERDAY)

    assert publisher.publish().published == 2
    assert entry(client, shop)["period_start"] == "2026-06-09"
    assert entry(client, late)["period_start"] == "2026-06-08"
    assert client.exists(f"analytics:snapshot:daily:{closed}") == 0


def test_version_rises_only_with_a_change(
    publisher: Publisher, stored: StoredSnapshots, shop: UUID, client: redis.Redis
) -> None:
    versions = [publisher.publish().version, publisher.publish().version]
    stored.execute("UPDATE analytics_snapshots SET revenue = 12.51")
    versions.append(publisher.publish().version)

    assert versions == [1, 1, 2]
    assert entry(client, shop)["revenue"] == "12.51"


def test_publish_one_period_type(
    publisher: Publisher, stored: StoredSnapshots, shop: UUID, client: redis.Redis
) -> None:
    stored.snapshot(shop, "monthly", date(2026, 5, 1), date(2026, 5, 31))

    publisher.publish(PeriodType.MONTHLY)

    assert sorted(client.keys("*")) == [
        f"analytics:snapshot:monthly:{shop}".encode(),
        b"analytics:snapshot:monthly:version",
    ]


def test_publish_nothing(
    publisher: Publisher, stored: StoredSnapshots, client: redis.Redis
) -> None:
    stored.location()
    assert publisher.publish() == PublishReport(
        period_type=PeriodType.DAILY, published=0, changed=0, version=0
    )
    assert client.dbsize() == 0


def test_entries_expire_at_different_times(
    publisher: Publisher, stored: StoredSnapshots, client: redis.Redis
) -> None:
    """Two days for daily and 14 for weekly entries, each up to a tenth longer."""
    locations = [stored.location() for _ in range(40)]
    for location in locations:
        stored.snapshot(location, "daily", YESTERDAY)
        stored.snapshot(location, "weekly", date(2026, 5, 31), date(2026, 6, 6))

    publisher.publish()
    publisher.publish(PeriodType.WEEKLY)

    daily = [client.ttl(f"analytics:snapshot:daily:{location}") for location in locations]
    assert all(2 * DAY_SECONDS - 10 <= seconds <= 2.2 * DAY_SECONDS for seconds in daily)
    assert len(set(daily)) > 30
    weekly = [client.ttl(f"analytics:snapshot:weekly:{location}") for location in locations]
    assert all(14 * DAY_SECONDS - 10 <= seconds <= 15.4 * DAY_SECONDS for seconds in weekly)
    assert client.ttl("analytics:snapshot:daily:version") == -1


def test_ttl_seconds_is_never_shorter() -> None:
    assert 60 <= ttl_seconds(PeriodType.DAILY, str(uuid4()), 60) <= 66


def test_ttl_seconds_of_each_period_type() -> None:
    location = str(uuid4())
    assert all(ttl_seconds(period_type, location, 60) >= 60 for period_type in PeriodType)


def test_failed_publish_is_made_up_for(
    publisher: Publisher, shop: UUID, client: redis.Redis
) -> None:
    client.config_set("maxmemory", "1")
    with pytest.raises(CacheUnavailableError, match="is out of memory"):
        publisher.publish()
    client.config_set("maxmemory", "0")

    assert publisher.publish() == PublishReport(
        period_type=PeriodType.DAILY, published=1, changed=1, version=1
    )


def test_unfinished_publish_raises_the_next_version(
    publisher: Publisher, shop: UUID, client: redis.Redis
) -> None:
    """A user without INCR writes the entries and then fails, as a lost connection would."""
    client.acl_setuser(
        "writer", enabled=True, passwords=["+pw"], keys=["*"], commands=["+@all", "-incrby"]
    )
    client.acl_setuser("writer", enabled=True, keys=["*"], commands=["+@all", "-incr", "-incrby"])
    port = client.connection_pool.connection_kwargs["port"]
    limited = CacheSettings.load({"REDIS_URL": f"redis://writer:pw@127.0.0.1:{port}/0"})
    with pytest.raises(CacheUnavailableError, match="does not permit this user to run"):
        Publisher(publisher.queries, limited).publish()
    assert entry(client, shop)["revenue"] == "12.50"
    assert client.get("analytics:snapshot:daily:version") is None

    report = publisher.publish()

    assert (report.changed, report.version) == (0, 1)
    assert client.exists("analytics:snapshot:daily:publishing") == 0
    assert publisher.publish().version == 1


def test_publish_more_than_one_pipeline(
    publisher: Publisher, stored: StoredSnapshots, client: redis.Redis
) -> None:
    stored.execute(
        "INSERT INTO locations SELECT gen_random_uuid(), 'Shop ' || n, true"
        " FROM generate_series(1, 2500) n"
    )
    stored.execute(
        "INSERT INTO analytics_snapshots (location_id, period_type, period_start, period_end)"
        " SELECT id, 'daily', '2026-06-09', '2026-06-09' FROM locations"
    )

    report = publisher.publish()

    assert (report.published, report.changed, report.version) == (2_500, 2_500, 1)
    assert client.dbsize() == 2_501


def test_publish_with_documented_permissions(
    publisher: Publisher, stored: StoredSnapshots, shop: UUID, client: redis.Redis
) -> None:
    page = CACHE_PAGE.read_text(encoding="utf-8")
    [documented] = re.findall(r"The Redis user needs `(\+get [a-z+ ]+)`", page)
    keys = ["analytics:snapshot:*"]
    client.acl_setuser(
        "publisher", enabled=True, passwords=["+pw"], keys=keys, commands=documented.split()
    )
    port = client.connection_pool.connection_kwargs["port"]
    limited = CacheSettings.load({"REDIS_URL": f"redis://publisher:pw@127.0.0.1:{port}/0"})

    versions = [Publisher(publisher.queries, limited).publish().version for _ in range(2)]
    stored.execute("UPDATE analytics_snapshots SET revenue = 12.51")
    versions.append(Publisher(publisher.queries, limited).publish().version)

    assert versions == [1, 1, 2]
    assert client.exists("analytics:snapshot:daily:lock") == 0
