"""`analytics-scheduler cleanup-cache` prints what it removes, or would remove."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import redis

from analytics_scheduler import cli


@pytest.fixture(autouse=True)
def idle_entry(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Store an entry that has been idle for two days, and one that has a TTL."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    with redis.Redis.from_url(redis_url) as client:
        client.set("analytics:idle", "x")
        dump = client.dump("analytics:idle") or b""
        client.restore("analytics:idle", 0, dump, replace=True, idletime=172_800)
        client.set("analytics:live", "x", ex=900)


def keys(redis_url: str) -> list[bytes]:
    with redis.Redis.from_url(redis_url) as client:
        return sorted(bytes(key) for key in client.scan_iter())


def test_cleanup_cache_dry_run(redis_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cleanup-cache", "--dry-run"]) == 0
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["idle,", "would", "be", "removed", "1"] in printed
    assert keys(redis_url) == [b"analytics:idle", b"analytics:live"]


def test_cleanup_cache_json(redis_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["cleanup-cache", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["success"], report["removed"], report["scanned"]) == (True, 1, 2)
    assert report["memory_before"] > 0
    assert keys(redis_url) == [b"analytics:live"]


def test_cleanup_cache_redis_down(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:hidden@127.0.0.1:1/0")
    assert cli.main(["cleanup-cache"]) == 1
    error = capsys.readouterr().err
    assert "cannot be reached" in error
    assert "Traceback" not in error
    assert "hidden" not in error


def test_cleanup_cache_without_airflow() -> None:
    script = (
        "import sys; from analytics_scheduler import cli; status = cli.main(['cleanup-cache']);"
        "assert 'airflow' not in sys.modules; sys.exit(status)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
