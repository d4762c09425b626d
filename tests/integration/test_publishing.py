"""The latest figures reach Redis exactly, and the version tells before from after."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from psycopg import Connection
from tests.support.redis_servers import RedisServer, redis_server

from analytics_scheduler.cache.connection import connected_cache
from analytics_scheduler.cache.publish import PublishReport, publish_latest, ttl_seconds
from analytics_scheduler.database import connected
from analytics_scheduler.errors import CacheUnavailableError, DatabaseRefusedError
from analytics_scheduler.settings import CacheSettings, DatabaseSettings
from analytics_scheduler.vocabulary import PeriodType

DAY_SECONDS = 86_400


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@pytest.fixture
def client(server: RedisServer) -> Iterator[redis.Redis]:
    with server.client() as client:
        client.flushall()
        client.config_set("maxmemory", "0")
        yield client


@dataclass(frozen=True, slots=True)
class Publisher:
    """Stores snapshots and publishes them."""

    connection: Connection[Any]
    database: DatabaseSettings
    cache_settings: CacheSettings

    def location(self, *, is_active: bool = True) -> UUID:
        new_id = uuid4()
        self.execute("INSERT INTO locations VALUES (%s, 'Corner shop', %s)", new_id, is_active)
        return new_id

    def snapshot(
        self,
        location: UUID,
        start: str,
        *,
        period_type: str = "daily",
        revenue: str | None = "12.50",
    ) -> None:
        self.execute(
            "INSERT INTO analytics_snapshots (location_id, period_type, period_start, period_end,"
            " total_inventory_value, total_items, turnover_ratio, wastage_value,"
            " wastage_percentage, revenue, cost_of_goods_sold)"
            " VALUES (%s, %s, %s, %s, 9999999999.99, -7, NULL, 0, 0.10, %s, 0.00)"
            " ON CONFLICT (location_id, period_type, period_start)"
            " DO UPDATE SET revenue = excluded.revenue",
            location,
            period_type,
            date.fromisoformat(start),
            date.fromisoformat(start),
            revenue,
        )

    def publish(self, period_type: PeriodType = PeriodType.DAILY) -> PublishReport:
        with connected_cache(self.cache_settings) as cache:
            return publish_latest(
                cache, self.connection, self.database, self.cache_settings, period_type
            )

    def execute(self, query: str, *values: object) -> None:
        self.connection.execute(query, values)
        self.connection.commit()


@pytest.fixture
def publisher(
    connection: Connection[Any], database_settings: DatabaseSettings, server: RedisServer
) -> Publisher:
    return Publisher(connection, database_settings, CacheSettings.load({"REDIS_URL": server.url}))


def entry(client: redis.Redis, location: UUID, period_type: str = "daily") -> dict[str, Any]:
    stored = client.get(f"analytics:snapshot:{period_type}:{location}")
    assert stored is not None
    found: dict[str, Any] = json.loads(stored)
    return found


def test_figures_are_published_as_exact_decimals(publisher: Publisher, client: redis.Redis) -> None:
    location = publisher.location()
    publisher.snapshot(location, "2026-06-09")

    report = publisher.publish()

    assert entry(client, location) == {
        "location_id": str(location),
        "period_type": "daily",
        "period_start": "2026-06-09",
        "period_end": "2026-06-09",
        "total_inventory_value": "9999999999.99",
        "total_items": "-7",
        "turnover_ratio": None,
        "wastage_value": "0.00",
        "wastage_percentage": "0.10",
        "revenue": "12.50",
        "cost_of_goods_sold": "0.00",
    }
    assert client.get("analytics:snapshot:daily:version") == b"1"
    assert report == PublishReport(period_type="daily", published=1, changed=1, version=1)


def test_a_backfilled_older_day_never_overwrites_a_newer_one(
    publisher: Publisher, client: redis.Redis
) -> None:
    location = publisher.location()
    publisher.snapshot(location, "2026-06-09")
    publisher.publish()
    publisher.snapshot(location, "2026-06-01", revenue="1.00")

    report = publisher.publish()

    assert entry(client, location)["period_start"] == "2026-06-09"
    assert (report.changed, report.version) == (0, 1)


def test_each_location_has_its_own_latest_and_closed_ones_are_left_out(
    publisher: Publisher, client: redis.Redis
) -> None:
    late, current, closed = (
        publisher.location(),
        publisher.location(),
        publisher.location(is_active=False),
    )
    publisher.snapshot(late, "2026-06-08")
    publisher.snapshot(current, "2026-06-09")
    publisher.snapshot(closed, "2026-06-09")

    assert publisher.publish().published == 2
    assert entry(client, late)["period_start"] == "2026-06-08"
    assert client.exists(f"analytics:snapshot:daily:{closed}") == 0


def test_the_version_rises_when_a_figure_changed_and_only_then(
    publisher: Publisher, client: redis.Redis
) -> None:
    location = publisher.location()
    publisher.snapshot(location, "2026-06-09")
    versions = [publisher.publish().version, publisher.publish().version]
    publisher.snapshot(location, "2026-06-09", revenue="12.51")
    versions.append(publisher.publish().version)

    assert versions == [1, 1, 2]
    assert entry(client, location)["revenue"] == "12.51"


def test_periods_are_apart(publisher: Publisher, client: redis.Redis) -> None:
    location = publisher.location()
    publisher.snapshot(location, "2026-06-09")
    publisher.snapshot(location, "2026-05-01", period_type="monthly")

    publisher.publish(PeriodType.MONTHLY)

    assert sorted(client.keys("*")) == [
        f"analytics:snapshot:monthly:{location}".encode(),
        b"analytics:snapshot:monthly:version",
    ]


def test_nothing_to_publish_writes_nothing(publisher: Publisher, client: redis.Redis) -> None:
    publisher.location()
    assert publisher.publish() == PublishReport(
        period_type="daily", published=0, changed=0, version=0
    )
    assert client.dbsize() == 0


def test_entries_end_by_themselves_and_not_all_at_once(
    publisher: Publisher, client: redis.Redis
) -> None:
    locations = [publisher.location() for _ in range(40)]
    for location in locations:
        publisher.snapshot(location, "2026-06-09")
        publisher.snapshot(location, "2026-06-01", period_type="weekly")

    publisher.publish()
    publisher.publish(PeriodType.WEEKLY)

    ends = [client.ttl(f"analytics:snapshot:daily:{location}") for location in locations]
    assert all(2 * DAY_SECONDS - 10 <= seconds <= 2.2 * DAY_SECONDS for seconds in ends)
    assert len(set(ends)) > 30
    weekly = [client.ttl(f"analytics:snapshot:weekly:{location}") for location in locations]
    assert all(14 * DAY_SECONDS - 10 <= seconds <= 15.4 * DAY_SECONDS for seconds in weekly)
    assert client.ttl("analytics:snapshot:daily:version") == -1


def test_a_short_ttl_is_never_shortened() -> None:
    assert 60 <= ttl_seconds(PeriodType.DAILY, str(uuid4()), 60) <= 66


def test_a_publish_that_failed_is_made_up_by_the_next(
    publisher: Publisher, client: redis.Redis
) -> None:
    location = publisher.location()
    publisher.snapshot(location, "2026-06-09")
    client.config_set("maxmemory", "1")
    with pytest.raises(CacheUnavailableError, match="out of memory"):
        publisher.publish()
    client.config_set("maxmemory", "0")

    assert publisher.publish() == PublishReport(
        period_type="daily", published=1, changed=1, version=1
    )


def test_a_publish_that_lost_redis_before_the_version_raises_it_the_next_time(
    publisher: Publisher, client: redis.Redis
) -> None:
    """A user without INCR writes the entries and then fails, as a lost connection would."""
    location = publisher.location()
    publisher.snapshot(location, "2026-06-09")
    client.acl_setuser(
        "writer", enabled=True, passwords=["+pw"], keys=["*"], commands=["+@all", "-incrby"]
    )
    client.acl_setuser("writer", enabled=True, keys=["*"], commands=["+@all", "-incr", "-incrby"])
    port = client.connection_pool.connection_kwargs["port"]
    limited = CacheSettings.load({"REDIS_URL": f"redis://writer:pw@127.0.0.1:{port}/0"})
    broken = Publisher(publisher.connection, publisher.database, limited)
    with pytest.raises(CacheUnavailableError, match="lets this user not do it"):
        broken.publish()
    assert entry(client, location)["revenue"] == "12.50"
    assert client.get("analytics:snapshot:daily:version") is None

    report = publisher.publish()

    assert (report.changed, report.version) == (0, 1)
    assert client.exists("analytics:snapshot:daily:publishing") == 0
    assert publisher.publish().version == 1


def test_more_locations_than_a_pipeline_holds(publisher: Publisher, client: redis.Redis) -> None:
    publisher.execute(
        "INSERT INTO locations SELECT gen_random_uuid(), 'Shop ' || n, true"
        " FROM generate_series(1, 2500) n"
    )
    publisher.execute(
        "INSERT INTO analytics_snapshots (location_id, period_type, period_start, period_end)"
        " SELECT id, 'daily', '2026-06-09', '2026-06-09' FROM locations"
    )

    report = publisher.publish()

    assert (report.published, report.changed, report.version) == (2_500, 2_500, 1)
    assert client.dbsize() == 2_501


def test_one_publish_of_a_period_at_a_time(publisher: Publisher, client: redis.Redis) -> None:
    publisher.snapshot(publisher.location(), "2026-06-09")
    hasty = DatabaseSettings.load(
        {
            "DATABASE_URL": publisher.database.url.reveal() if publisher.database.url else "",
            "DATABASE_LOCK_TIMEOUT_SECONDS": "1",
        }
    )
    with connected(publisher.database) as other:
        other.execute(
            "SELECT pg_advisory_xact_lock("
            "hashtextextended('analytics_scheduler publish ' || 'daily', 0))"
        )
        impatient = Publisher(publisher.connection, hasty, publisher.cache_settings)
        with pytest.raises(DatabaseRefusedError, match="lock timeout"):
            impatient.publish()
        other.rollback()

    assert publisher.publish().published == 1
