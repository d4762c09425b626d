"""Run a DAG of ours once in this process, as `airflow dags test` does."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

DAGS = Path(__file__).parents[2] / "dags"


@contextmanager
def warnings_of_airflow_ignored() -> Iterator[None]:
    """Let Airflow use what its own libraries have given up; our code is tested without it too."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", UserWarning)
        yield


@cache
def prepare_metadata() -> None:
    """Make the tables of the Airflow that AIRFLOW_HOME names."""
    from airflow.utils.db import initdb

    with warnings_of_airflow_ignored():
        initdb()


def load_dag(dag_id: str, folder: Path = DAGS) -> Any:
    """Return a DAG as its file makes it in the current environment."""
    from airflow.dag_processing import dagbag
    from airflow.dag_processing.bundles import manager

    prepare_metadata()
    with warnings_of_airflow_ignored():
        bag = dagbag.DagBag(dag_folder=str(folder / f"{dag_id.replace('-', '_')}.py"))
        assert bag.import_errors == {}
        bundles: Any = manager.DagBundlesManager
        bundles().sync_bundles_to_db()
        dagbag.sync_bag_to_db(bag, "dags-folder", None)
    return bag.dags[dag_id]


def run_dag(
    dag_id: str, moment: datetime, *, folder: Path = DAGS, **params: object
) -> dict[str, str]:
    """Run a DAG for a moment, without retries, and return the state of each of its tasks."""
    dag = load_dag(dag_id, folder)
    for task in dag.tasks:
        task.retries = 0
    with warnings_of_airflow_ignored():
        run = dag.test(logical_date=moment, run_conf=params or None)
    return {entry.task_id: str(entry.state) for entry in run.get_task_instances()}
