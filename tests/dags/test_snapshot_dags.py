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

GREEN = {"write_snapshots": "success"}
SHARDED_GREEN = {**GREEN, "plan_shards": "success", "finish_run": "success"}
COPIED_GREEN = {
    **GREEN,
    "plan_shards": "success",
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
    [task] = dag.tasks
    assert task.task_id == "write_snapshots"
    # 300 to write, and 60 to record and publish.
    assert task.execution_timeout.total_seconds() == 360
    assert task.retries == 3


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

    assert states == GREEN
    assert int(analyst.row(shop, start, period_type)["revenue"]) == revenue
    assert len(analyst.snapshots(period_type)) == 1
    assert analyst.rows(
        "SELECT task, outcome, report->>'written' FROM analytics_snapshot_runs"
    ) == [(f"{period_type}-snapshot", "success", "1")]


def test_manual_run_with_a_date(shop: UUID, analyst: Analyst) -> None:
    states = run_dag("weekly-snapshot", datetime(2026, 5, 4, 3, 1, tzinfo=UTC), date="2026-03-11")

    assert states == GREEN
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

    assert states == {"write_snapshots": "failed"}
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

    assert states == {"write_snapshots": "failed"}
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

    assert states == GREEN
    assert len(analyst.snapshots()) == 1
    assert "were not published" in caplog.text
    assert "hidden" not in caplog.text


def ten_shops(inventory: Inventory) -> None:
    for number in range(9):
        inventory.location(f"Shop {number}")


def recorded(analyst: Analyst) -> list[tuple[str, ...]]:
    return analyst.rows(
        "SELECT outcome, report->>'written', report->>'batches' FROM analytics_snapshot_runs"
    )


def test_shards_are_written_by_several_tasks(
    shop: UUID,
    inventory: Inventory,
    analyst: Analyst,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ten_shops(inventory)
    monkeypatch.setenv("SNAPSHOT_SHARDS", "3")

    states = run_dag("daily-snapshot", datetime(2026, 3, 11, 2, 15, tzinfo=UTC))

    assert states == SHARDED_GREEN
    assert len(analyst.snapshots()) == 10
    assert recorded(analyst) == [("success", "10", "3")]
    with redis.Redis.from_url(redis_url) as cache:
        assert cache.exists(f"analytics:snapshot:daily:{shop}")


def test_jobs_write_side_by_side(
    shop: UUID, inventory: Inventory, analyst: Analyst, monkeypatch: pytest.MonkeyPatch
) -> None:
    ten_shops(inventory)
    monkeypatch.setenv("SNAPSHOT_SHARDS", "2")
    monkeypatch.setenv("SNAPSHOT_JOBS", "3")

    states = run_dag("daily-snapshot", datetime(2026, 3, 11, 2, 45, tzinfo=UTC))

    assert states == SHARDED_GREEN
    assert recorded(analyst) == [("success", "10", "6")]


COPIED = """
from airflow.sdk import DAG

from analytics_scheduler.orchestration.snapshots import (
    confirm, plan, publish, snapshot_options, write
)

with DAG("copied-daily", schedule=None, **snapshot_options("daily")):
    shards = plan("daily")
    write(shards) >> publish(shards) >> confirm(shards, "daily")
"""


def test_copied_dag_of_four_steps_still_works(
    shop: UUID, inventory: Inventory, analyst: Analyst, redis_url: str, tmp_path: Path
) -> None:
    ten_shops(inventory)
    (tmp_path / "copied_daily.py").write_text(COPIED)

    states = run_dag("copied-daily", datetime(2026, 3, 11, 2, 25, tzinfo=UTC), folder=tmp_path)

    assert states == COPIED_GREEN
    assert recorded(analyst) == [("success", "10", "1")]
    with redis.Redis.from_url(redis_url) as cache:
        assert cache.exists(f"analytics:snapshot:daily:{shop}")


def test_retired_settings_are_named_in_the_log(
    shop: UUID, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SNAPSHOT_MAX_SHARDS", "4")

    with caplog.at_level(logging.WARNING):
        states = run_dag("daily-snapshot", datetime(2026, 3, 11, 2, 35, tzinfo=UTC))

    assert states == GREEN
    assert "SNAPSHOT_MAX_SHARDS is set but no longer read" in caplog.text
    assert "set SNAPSHOT_SHARDS" in caplog.text


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


@pytest.mark.usefixtures("shop")
def test_confirm_of_another_period_type_fails(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Else a copied DAG would update the asset of weeks that it did not write."""
    (tmp_path / "copied_daily.py").write_text(
        COPIED.replace('confirm(shards, "daily")', 'confirm(shards, "weekly")')
    )

    states = run_dag("copied-daily", datetime(2026, 3, 11, 2, tzinfo=UTC), folder=tmp_path)

    captured = capfd.readouterr()
    assert states["confirm_snapshots"] == "failed"
    assert "plans daily snapshots and confirms weekly ones" in captured.out + captured.err
