"""The DAG of retention prunes at the run's moment, and deletes nothing by mistake."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from psycopg import Connection
from tests.support.dag_runs import load_dag, run_dag

MOMENTS = (datetime(2026, 6, 10, 5, 30, tzinfo=UTC) + timedelta(minutes=n) for n in count())


@pytest.fixture
def archive(
    connection: Connection[Any], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Connection[Any]:
    """Give a database with a week of 2024-06-02 to 06-08 and one of 2024-06-09 to 06-15."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    location = uuid4()
    connection.execute("INSERT INTO locations VALUES (%s, 'Corner shop', true)", (location,))
    for start, end in (("2024-06-02", "2024-06-08"), ("2024-06-09", "2024-06-15")):
        connection.execute(
            "INSERT INTO analytics_snapshots (location_id, period_type, period_start, period_end)"
            " VALUES (%s, 'weekly', %s, %s)",
            (location, start, end),
        )
    connection.commit()
    return connection


def weeks(connection: Connection[Any]) -> list[str]:
    rows = connection.execute(
        "SELECT period_start::text FROM analytics_snapshots ORDER BY 1"
    ).fetchall()
    connection.rollback()
    return [row[0] for row in rows]


def test_it_is_made_as_documented() -> None:
    dag = load_dag("snapshot-retention")
    assert (dag.max_active_runs, dag.catchup, dag.is_paused_upon_creation) == (1, False, False)
    assert dag.timetable.expression == "30 5 * * *"
    assert dag.params["dry_run"] is False


def test_it_prunes_at_the_runs_own_moment_and_records_the_run(archive: Connection[Any]) -> None:
    """On 10 June 2026 the week that ended on 8 June 2024 is more than two years over."""
    assert run_dag("snapshot-retention", next(MOMENTS)) == {"prune_snapshots": "success"}

    assert weeks(archive) == ["2024-06-09"]
    rows = archive.execute(
        "SELECT task, outcome, report #>> '{kinds,1,gone}' FROM analytics_snapshot_runs"
    ).fetchall()
    assert rows == [("snapshot-retention", "success", "1")]


def test_a_run_for_an_earlier_moment_keeps_what_was_kept_then(archive: Connection[Any]) -> None:
    run_dag("snapshot-retention", datetime(2026, 6, 8, 5, 30, tzinfo=UTC))
    assert weeks(archive) == ["2024-06-02", "2024-06-09"]


def test_a_dry_run_deletes_nothing(archive: Connection[Any]) -> None:
    assert run_dag("snapshot-retention", next(MOMENTS), dry_run=True) == {
        "prune_snapshots": "success"
    }
    assert weeks(archive) == ["2024-06-02", "2024-06-09"]


@pytest.mark.parametrize("value", ["0", "-5 days", "two years", "0 days"])
def test_a_value_that_cannot_be_read_deletes_nothing_and_fails(
    archive: Connection[Any], monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("RETENTION_MONTHLY", value)
    assert run_dag("snapshot-retention", next(MOMENTS)) == {"prune_snapshots": "failed"}
    assert weeks(archive) == ["2024-06-02", "2024-06-09"]
