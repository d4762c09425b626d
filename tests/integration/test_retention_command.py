"""`analytics-scheduler prune` prints what it deletes, or would delete, from each table."""

from __future__ import annotations

import json
from datetime import date

import pytest
from tests.support.snapshots import StoredSnapshots

from analytics_scheduler import cli

OLD_WEEK = date(2001, 1, 7)


@pytest.fixture(autouse=True)
def stored(
    stored: StoredSnapshots, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> StoredSnapshots:
    """Store one week that is far older than it is kept."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    stored.snapshot(stored.location(), "weekly", OLD_WEEK, date(2001, 1, 13))
    return stored


def test_prune_dry_run(stored: StoredSnapshots, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["prune", "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Would delete:"
    assert lines[2].split()[:4] == ["weekly", "1", "kept", "from"]
    assert lines[6].split() == ["adopted", "marks", "0"]
    assert stored.starts("weekly") == [OLD_WEEK]
    assert stored.count("analytics_snapshot_runs") == 0


def test_prune_deletes_and_records_the_run(
    stored: StoredSnapshots, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["prune", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert list(report) == [
        "success",
        "kinds",
        "today",
        "is_complete",
        "dry_run",
        "seconds",
        "warnings",
    ]
    assert report["success"] is True
    assert report["kinds"][1] == {
        "kind": "weekly",
        "kept_from": report["kinds"][1]["kept_from"],
        "gone": 1,
        "held": 0,
    }
    assert stored.starts("weekly") == []
    rows = stored.rows("SELECT task, outcome FROM analytics_snapshot_runs")
    assert rows == [("snapshot-retention", "success")]


def test_invalid_setting_deletes_nothing(
    stored: StoredSnapshots, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETENTION_DAILY", "a while")
    assert cli.main(["prune"]) == 1
    error = capsys.readouterr().err
    assert "RETENTION_DAILY (how long daily snapshots are kept)" in error
    assert "got 'a while'." in error
    assert stored.starts("weekly") == [OLD_WEEK]
