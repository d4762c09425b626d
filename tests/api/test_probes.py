"""What is said of servers that respond, that do not, and that no setting names."""

from __future__ import annotations

import pytest

from analytics_scheduler.api.probes import probe_cache, probe_database
from analytics_scheduler.local.processes import free_port
from analytics_scheduler.vocabulary import ServerState


@pytest.mark.usefixtures("named_servers", "airflow_database")
def test_probe_of_servers_that_respond() -> None:
    for probe in (probe_database(), probe_cache()):
        assert probe.state is ServerState.OK
        assert probe.as_dict() == {"state": "ok", "milliseconds": probe.milliseconds}


@pytest.mark.usefixtures("airflow_database")
def test_probe_of_servers_that_nothing_names() -> None:
    database, cache = probe_database(), probe_cache()

    assert (database.state, cache.state) == (ServerState.DOWN, ServerState.NOT_CONFIGURED)
    assert cache.as_dict().keys() == {"state", "error"}
    assert "REDIS_URL" in (cache.error or "")


@pytest.mark.usefixtures("airflow_database")
def test_probe_of_servers_that_are_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://user:secret@127.0.0.1:{free_port()}/shops")
    monkeypatch.setenv("REDIS_URL", f"redis://:secret@127.0.0.1:{free_port()}/0")

    for probe in (probe_database(), probe_cache()):
        assert probe.state is ServerState.DOWN
        assert "secret" not in (probe.error or "")


@pytest.mark.usefixtures("airflow_database")
def test_probe_of_a_bad_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that cannot be used is not the same as no value."""
    monkeypatch.setenv("REDIS_URL", "is not set")

    assert probe_cache().state is ServerState.DOWN
