"""A run warns once about a variable that is set but no longer read."""

from __future__ import annotations

from datetime import UTC, datetime
from unittest.mock import Mock, call

import pytest
from tests.support.dag_runs import run_dag

from analytics_scheduler import settings
from analytics_scheduler.orchestration import retired_settings

MOMENT = datetime(2026, 6, 11, 5, 10, tzinfo=UTC)


@pytest.mark.parametrize("dag_id", ["daily-snapshot", "cache-cleanup", "snapshot-retention"])
@pytest.mark.usefixtures("named_servers")
def test_a_run_warns_of_a_retired_setting(dag_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    logger = Mock()  # Airflow sets up logging anew in each task.
    monkeypatch.setattr(retired_settings, "_LOGGER", logger)
    monkeypatch.setattr(settings, "RETIRED", {"SNAPSHOT_SPEED": "it is always the highest"})
    monkeypatch.setenv("SNAPSHOT_SPEED", "highest")

    states = run_dag(dag_id, MOMENT)

    assert set(states.values()) == {"success"}
    warning = "SNAPSHOT_SPEED is set but no longer read: it is always the highest."
    assert logger.warning.call_args_list == [call("event=setting_retired reason=%r", warning)]
