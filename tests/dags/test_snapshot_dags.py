"""The snapshot DAGs, run by Airflow itself on a real database and cache."""

from __future__ import annotations

import json
import logging
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest
import redis
from tests.support.dag_runs import load_dag, run_dag
from tests.support.inventory import Analyst, Inventory
from tests.support.moments import utc

from analytics_scheduler.local.processes import free_port

ALL_GREEN = {
    "plan_shards": "success",
    "write_snapshots": "success",
    "publish_snapshots": "success",
    "confirm_snapshots": "success",
}


@pytest.fixture
def shop(
    inventory: Inventory, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> UUID:
    """A shop that sells n milks on the n-th of each month."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    found = inventory.location("North")
    milk = inventory.product("2.00", "5.00")
    inventory.move(found, milk, "in", 1000, "2026-01-01T08:00")
    for month in (3, 4):
        for day in range(1, 31):
            inventory.move(found, milk, "out", day, f"2026-{month:02}-{day:02}T12:00")
    return found


@pytest.mark.parametrize(
    ("period_type", "cron"),
    [("daily", "0 2 * * *"), ("weekly", "0 3 * * 0"), ("monthly", "0 4 1 * *")],
)
def test_snapshot_dags_as_documented(period_type: str, cron: str) -> None:
    dag = load_dag(f"{period_type}-snapshot")

    assert dag.timetable.expression == cron
    assert (dag.max_active_runs, dag.catchup, dag.is_paused_upon_creation) == (1, False, False)
    assert list(dag.params) == ["date", "force"]
    assert f"{period_type.capitalize()} snapshot" in dag.doc_md
    for task in dag.tasks:
        assert task.execution_timeout.total_seconds() == 300
    assert dag.get_task("write_snapshots").partial_kwargs["retries"] == 3


@pytest.mark.parametrize(
    ("period_type", "moment", "start", "revenue"),
    [
        ("daily", "2026-03-11T02:00", "2026-03-10", 50),
        ("daily", "2026-03-11T23:30", "2026-03-10", 50),
        # 2026-03-15 is a Sunday: the week of the 8th to the 14th.
        ("weekly", "2026-03-15T03:00", "2026-03-08", 5 * (8 + 9 + 10 + 11 + 12 + 13 + 14)),
        ("monthly", "2026-04-01T04:00", "2026-03-01", 5 * 465),
    ],
)
def test_dag_run_writes_its_period(
    shop: UUID, analyst: Analyst, *, period_type: str, moment: str, start: str, revenue: int
) -> None:
    states = run_dag(f"{period_type}-snapshot", utc(moment))

    assert states == ALL_GREEN
    assert int(analyst.row(shop, start, period_type)["revenue"]) == revenue
    assert len(analyst.snapshots(period_type)) == 1
    assert analyst.rows(
        "SELECT task, outcome, report->>'written' FROM analytics_snapshot_runs"
    ) == [(f"{period_type}-snapshot", "success", "1")]


def test_manual_run_with_a_date(shop: UUID, analyst: Analyst) -> None:
    states = run_dag("weekly-snapshot", datetime(2026, 5, 4, 3, 1, tzinfo=UTC), date="2026-03-11")

    assert states == ALL_GREEN
    assert list(analyst.snapshots("weekly")) == [(shop, date(2026, 3, 8))]


@pytest.mark.parametrize(
    ("day", "hour", "reason"), [("2099-01-01", 1, "in the future"), ("1960-01-01", 2, "too early")]
)
def test_impossible_date_fails_at_once(
    shop: UUID,
    analyst: Analyst,
    capfd: pytest.CaptureFixture[str],
    *,
    day: str,
    hour: int,
    reason: str,
) -> None:
    states = run_dag("daily-snapshot", datetime(2026, 5, 2, hour, tzinfo=UTC), date=day)

    assert states["plan_shards"] == "failed"
    assert states["confirm_snapshots"] == "failed"
    assert analyst.snapshots() == {}
    captured = capfd.readouterr()
    assert reason in captured.out + captured.err


def test_bad_location_fails_run_others_published(
    shop: UUID, inventory: Inventory, analyst: Analyst, redis_url: str
) -> None:
    bad = inventory.location("Bad")
    milk = inventory.value("SELECT id FROM products")
    inventory.move(bad, milk, "theft", 1, "2026-03-10T12:00")

    states = run_dag("daily-snapshot", datetime(2026, 3, 11, 2, 5, tzinfo=UTC))

    assert states == {
        **ALL_GREEN,
        "write_snapshots": "failed",
        "confirm_snapshots": "failed",
    }
    assert list(analyst.snapshots()) == [(shop, date(2026, 3, 10))]
    ((outcome, report),) = analyst.rows("SELECT outcome, report FROM analytics_snapshot_runs")
    assert outcome == "partial"
    assert report["failures"][0]["location"] == f"Bad [{bad}]"
    assert "1 movement of unknown type 'theft'" in report["failures"][0]["reason"]
    with redis.Redis.from_url(redis_url) as cache:
        entry = json.loads(cache.get(f"analytics:snapshot:daily:{shop}") or b"{}")
    assert entry["revenue"] == "50.00"


def test_unreachable_cache_only_warns(
    shop: UUID,
    analyst: Analyst,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://:hidden@127.0.0.1:{free_port()}/0")

    with caplog.at_level(logging.WARNING):
        states = run_dag("daily-snapshot", datetime(2026, 3, 11, 2, 10, tzinfo=UTC))

    assert states == ALL_GREEN
    assert len(analyst.snapshots()) == 1
    assert "were not published" in caplog.text
    assert "hidden" not in caplog.text


def test_many_locations_in_several_tasks(
    shop: UUID, inventory: Inventory, analyst: Analyst, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(9):
        inventory.location(f"Shop {number}")
    monkeypatch.setenv("SNAPSHOT_SHARD_LOCATIONS", "4")

    states = run_dag("daily-snapshot", datetime(2026, 3, 11, 2, 15, tzinfo=UTC))

    assert states == ALL_GREEN
    assert len(analyst.snapshots()) == 10
    ((written, batches),) = analyst.rows(
        "SELECT report->>'written', report->>'batches' FROM analytics_snapshot_runs"
    )
    assert (written, batches) == ("10", "3")


def test_asset_event_has_period_and_counts(shop: UUID, analyst: Analyst) -> None:
    run_dag("daily-snapshot", datetime(2026, 3, 11, 2, 20, tzinfo=UTC))

    from airflow.models.asset import AssetEvent, AssetModel
    from airflow.utils.session import create_session

    with create_session() as session:
        event = (
            session.query(AssetEvent)
            .join(AssetModel, AssetModel.id == AssetEvent.asset_id)
            .filter(AssetModel.name == "analytics_snapshots_daily")
            .order_by(AssetEvent.id.desc())
            .first()
        )
        assert event is not None
        assert event.extra == {
            "period": "daily",
            "first_day": "2026-03-10",
            "last_day": "2026-03-10",
            "written": 1,
            "unchanged": 0,
        }


MISMATCHED = """
from airflow.sdk import DAG

from analytics_scheduler.orchestration.snapshots import (
    confirm, plan, publish, snapshot_options, write
)

with DAG("copied-daily", schedule=None, **snapshot_options("daily")):
    shards = plan("daily")
    write(shards) >> publish(shards) >> confirm(shards, "weekly")
"""


@pytest.mark.usefixtures("shop")
def test_confirm_of_another_period_type_fails(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Else a copied DAG would update the asset of weeks that it did not write."""
    (tmp_path / "copied_daily.py").write_text(MISMATCHED)

    states = run_dag("copied-daily", datetime(2026, 3, 11, 2, tzinfo=UTC), folder=tmp_path)

    captured = capfd.readouterr()
    assert states["confirm_snapshots"] == "failed"
    assert "plans daily snapshots and confirms weekly ones" in captured.out + captured.err
