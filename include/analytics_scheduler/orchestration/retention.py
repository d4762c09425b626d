"""The step of the retention DAG: prune once, in short transactions."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import Param, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

from analytics_scheduler.errors import SchemaError, SettingError
from analytics_scheduler.orchestration.callbacks import (
    alert_callbacks,
    check_overdue_tasks,
    record_failure,
)
from analytics_scheduler.orchestration.metrics import emit_run
from analytics_scheduler.orchestration.options import DEFAULT_ARGS, START_DATE, run_moment
from analytics_scheduler.orchestration.retired_settings import log_retired_settings
from analytics_scheduler.orchestration.schedules import TASK_TAG
from analytics_scheduler.settings import (
    CalendarSettings,
    DatabaseSettings,
    RetentionSettings,
    load_alert_settings,
)

_LOGGER = logging.getLogger(__name__)
# The rest of the time limit is for imports, the last page and the record of the run.
_SHARE_OF_TIME_LIMIT = 0.8


def retention_options() -> dict[str, Any]:
    """Return what the DAG of retention is made with."""
    timeout = DatabaseSettings.load().task_timeout_seconds
    return {
        "start_date": START_DATE,
        "catchup": False,
        "is_paused_upon_creation": False,
        "max_active_runs": 1,
        **alert_callbacks(),
        "default_args": {**DEFAULT_ARGS, "execution_timeout": timedelta(seconds=timeout)},
        "params": {
            "dry_run": Param(
                False,
                type="boolean",
                title="Dry run",
                description="Count what would go, and delete nothing.",
            )
        },
        "tags": [TASK_TAG, "retention"],
    }


@task(
    on_success_callback=check_overdue_tasks,
    on_failure_callback=[record_failure, check_overdue_tasks],
)
def prune_snapshots() -> dict[str, Any]:
    """Delete what is over at the run's moment; a setting that cannot be read deletes nothing."""
    from analytics_scheduler.database import connected
    from analytics_scheduler.migrations import require_migrated
    from analytics_scheduler.queries import Queries
    from analytics_scheduler.retention import prune
    from analytics_scheduler.run_records import FinishedRun, finish_run

    context = get_current_context()
    run_id = context["run_id"]
    started_at = datetime.now(UTC)
    log_retired_settings()
    try:
        settings = RetentionSettings.load()
        calendar = CalendarSettings.load().calendar()
        database = DatabaseSettings.load()
        with connected(database, through_airflow=True) as connection:
            require_migrated(Queries(connection, database))
            report = prune(
                connection,
                database,
                settings,
                calendar,
                moment=min(run_moment(context), started_at),
                dry_run=context["params"].get("dry_run") is not False,
                time_limit_seconds=database.task_timeout_seconds * _SHARE_OF_TIME_LIMIT,
            )
            if not report.dry_run:
                run = FinishedRun(
                    task=context["dag"].dag_id,
                    run_id=run_id,
                    outcome=report.outcome,
                    started_at=started_at,
                    report=report.as_dict(),
                )
                finish_run(Queries(connection, database), run, load_alert_settings())
                gone = sum(entry.gone for entry in report.kinds)
                emit_run(context, run, {"rows_pruned": gone})
    except (SettingError, SchemaError) as error:
        # Another try would find the same.
        raise AirflowFailException(f"Nothing was deleted. {error}") from error
    _LOGGER.info("event=snapshot_retention run=%s %s", run_id, report.summary())
    for warning in report.warnings:
        _LOGGER.warning("event=snapshot_retention run=%s %s", run_id, warning)
    return report.as_dict()
