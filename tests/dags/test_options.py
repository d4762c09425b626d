"""What all DAGs of the package share, and what a person can ask of a run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import pytest
from airflow.sdk import Context, Param

from analytics_scheduler.orchestration.dag_run import wanted_dry_run
from analytics_scheduler.orchestration.options import dag_options
from analytics_scheduler.orchestration.retention import retention_options
from analytics_scheduler.orchestration.snapshots import snapshot_options


def test_dag_options_limit_each_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASK_TIMEOUT_SECONDS", "77")
    assert dag_options("cache")["default_args"]["execution_timeout"] == timedelta(seconds=77)


def test_dag_options_have_tags_and_params() -> None:
    params = {"date": Param(None)}
    options = dag_options("mine", params)
    assert (options["tags"], options["params"]) == (["analytics-scheduler", "mine"], params)


def test_dags_differ_only_in_tags_and_params() -> None:
    own = {"tags", "params", "on_success_callback", "on_failure_callback"}
    cache, *others = dag_options("cache"), snapshot_options("weekly"), retention_options()
    for options in others:
        assert options.keys() == cache.keys()
        assert all(options[name] == cache[name] for name in cache.keys() - own)
        assert all(type(options[name]) is type(cache[name]) for name in own)


@pytest.mark.parametrize(
    ("params", "dry_run"),
    [({"dry_run": False}, False), ({"dry_run": True}, True), ({}, True), ({"dry_run": 0}, True)],
)
def test_wanted_dry_run_unless_false(params: dict[str, Any], dry_run: bool) -> None:
    context = cast("Context", {"params": params})
    assert wanted_dry_run(context) is dry_run
