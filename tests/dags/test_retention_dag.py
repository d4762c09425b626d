"""The retention DAG prunes at the moment of its run, and deletes nothing by mistake."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest
from tests.support.dag_runs import load_dag, run_dag
from tests.support.snapshots import StoredSnapshots

MOMENTS = (datetime(2026, 6, 10, 5, 30, tzinfo=UTC) + timedelta(minutes=n) for n in count())
OLDER, NEWER = date(2024, 6, 2), date(2024, 6, 9)


@pytest.fixture
def stored(
    stored: StoredSnapshots, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> StoredSnapshots:
    """Give a database with the weeks of 2 and 9 June 2024."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    location = stored.location()
    for start in (OLDER, NEWER):
        stored.snapshot(location, "weekly", start, start + timedelta(days=6))
    return stored


def test_dag_options() -> None:
    dag = load_dag("snapshot-retention")
    assert (dag.max_active_runs, dag.catchup, dag.is_paused_upon_creation) == (1, False, False)
    assert dag.timetable.expression == "30 5 * * *"
    assert dag.params["dry_run"] is False


def test_prune_at_the_runs_moment(stored: StoredSnapshots) -> None:
    """On 10 June 2026 the week that ended on 8 June 2024 is more than two years old."""
    assert run_dag("snapshot-retention", next(MOMENTS)) == {"prune_snapshots": "success"}

    assert stored.starts("weekly") == [NEWER]
    rows = stored.rows(
        "SELECT task, outcome, report #>> '{kinds,1,gone}' FROM analytics_snapshot_runs"
    )
    assert rows == [("snapshot-retention", "success", "1")]


def test_prune_at_an_earlier_moment(stored: StoredSnapshots) -> None:
    run_dag("snapshot-retention", datetime(2026, 6, 8, 5, 30, tzinfo=UTC))
    assert stored.starts("weekly") == [OLDER, NEWER]


def test_dry_run(stored: StoredSnapshots) -> None:
    states = run_dag("snapshot-retention", next(MOMENTS), dry_run=True)
    assert states == {"prune_snapshots": "success"}
    assert stored.starts("weekly") == [OLDER, NEWER]
    assert stored.count("analytics_snapshot_runs") == 0


@pytest.mark.parametrize("value", ["0", "-5 days", "two years", "0 days"])
def test_invalid_setting_fails_and_deletes_nothing(
    stored: StoredSnapshots, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("RETENTION_MONTHLY", value)
    assert run_dag("snapshot-retention", next(MOMENTS)) == {"prune_snapshots": "failed"}
    assert stored.starts("weekly") == [OLDER, NEWER]
