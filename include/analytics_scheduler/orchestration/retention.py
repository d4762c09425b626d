"""The task of the retention DAG, and the options of the DAG."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import Param, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException

from analytics_scheduler.errors import SchemaError, SettingError
from analytics_scheduler.orchestration.callbacks import check_overdue_tasks, record_failure
from analytics_scheduler.orchestration.dag_run import run_moment, started_at, wanted_dry_run
from analytics_scheduler.orchestration.metrics import emit_run
from analytics_scheduler.orchestration.options import dag_options
from analytics_scheduler.orchestration.retired_settings import log_retired_settings
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
    """Return the arguments of `DAG(...)` for the retention DAG."""
    dry_run = Param(
        False,
        type="boolean",
        title="Dry run",
        description="Count what would be deleted, and delete nothing.",
    )
    return dag_options("retention", {"dry_run": dry_run})


@task(
    on_success_callback=check_overdue_tasks,
    on_failure_callback=[record_failure, check_overdue_tasks],
)
def prune_snapshots() -> dict[str, Any]:
    """Delete what is older than the settings allow at the run's moment, and return the report.

    Fails without a retry, and deletes nothing, if a setting or the tables are not usable.
    """
    from analytics_scheduler.database import connected
    from analytics_scheduler.queries import Queries
    from analytics_scheduler.retention import run_retention

    context = get_current_context()
    run_id = context["run_id"]
    log_retired_settings()
    try:
        settings = RetentionSettings.load()
        calendar = CalendarSettings.load().calendar()
        database = DatabaseSettings.load()
        with connected(database, through_airflow=True) as connection:
            report, run = run_retention(
                Queries(connection, database),
                settings,
                calendar,
                load_alert_settings(),
                task=context["dag"].dag_id,
                run_id=run_id,
                started_at=started_at(context),
                moment=min(run_moment(context), datetime.now(UTC)),
                dry_run=wanted_dry_run(context),
                time_limit_seconds=database.task_timeout_seconds * _SHARE_OF_TIME_LIMIT,
            )
    except (SettingError, SchemaError) as error:
        # A retry would fail in the same way.
        raise AirflowFailException(f"Nothing was deleted. {error}") from error
    _LOGGER.info("event=snapshot_retention run=%s %s", run_id, report.summary())
    for warning in report.warnings:
        _LOGGER.warning("event=snapshot_retention run=%s %s", run_id, warning)
    if not report.dry_run:
        emit_run(context, run, {"rows_pruned": report.rows_deleted})
    return report.as_dict()
