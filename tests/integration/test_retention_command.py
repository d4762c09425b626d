"""`analytics-scheduler prune` says what went or would go, per kind."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from psycopg import Connection

from analytics_scheduler import cli


@pytest.fixture(autouse=True)
def old_week(
    connection: Connection[Any], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Store one week that is over long since."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    location = uuid4()
    connection.execute("INSERT INTO locations VALUES (%s, 'Corner shop', true)", (location,))
    connection.execute(
        "INSERT INTO analytics_snapshots (location_id, period_type, period_start, period_end)"
        " VALUES (%s, 'weekly', '2001-01-07', '2001-01-13')",
        (location,),
    )
    connection.commit()


def starts(connection: Connection[Any]) -> list[date]:
    rows = connection.execute("SELECT period_start FROM analytics_snapshots").fetchall()
    connection.rollback()
    return [row[0] for row in rows]


def test_a_dry_run_says_what_would_go(
    connection: Connection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["prune", "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Would delete:"
    assert lines[2].split()[:2] == ["weekly", "1"]
    assert starts(connection) == [date(2001, 1, 7)]


def test_it_deletes_and_records_the_run(
    connection: Connection[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["prune", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["success"], report["kinds"][1]["gone"]) == (True, 1)
    assert starts(connection) == []
    rows = connection.execute("SELECT task, outcome FROM analytics_snapshot_runs").fetchall()
    assert rows == [("snapshot-retention", "success")]


def test_a_value_that_cannot_be_read_deletes_nothing(
    connection: Connection[Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RETENTION_DAILY", "a while")
    assert cli.main(["prune"]) == 1
    error = capsys.readouterr().err
    assert "RETENTION_DAILY (how long daily snapshots are kept)" in error
    assert "got 'a while'." in error
    assert starts(connection) == [date(2001, 1, 7)]
