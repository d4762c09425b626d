"""The task of the cache DAG: clean up once, or defer to the next run while Redis cannot do it."""

from __future__ import annotations

import logging
from typing import Any

from airflow.sdk import get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from analytics_scheduler.errors import AnalyticsError, CacheUnavailableError, SettingError
from analytics_scheduler.orchestration.callbacks import check_overdue_tasks, record_failure
from analytics_scheduler.orchestration.dag_run import started_at
from analytics_scheduler.orchestration.metrics import emit_run
from analytics_scheduler.orchestration.retired_settings import log_retired_settings
from analytics_scheduler.settings import CacheSettings, DatabaseSettings, load_alert_settings
from analytics_scheduler.vocabulary import Outcome

_LOGGER = logging.getLogger(__name__)


@task(
    on_success_callback=check_overdue_tasks,
    on_skipped_callback=check_overdue_tasks,
    on_failure_callback=[record_failure, check_overdue_tasks],
)
def clean_cache() -> dict[str, Any]:
    """Remove expired and idle entries, and return the report.

    The task is skipped, and its run recorded as deferred, while Redis is down or takes no writes.
    """
    from analytics_scheduler.cache.cleanup import clean_up
    from analytics_scheduler.cache.connection import connected_cache

    run_id = get_current_context()["run_id"]
    log_retired_settings()
    try:
        settings = CacheSettings.load()
        with connected_cache(settings, through_airflow=True) as cache:
            report = clean_up(cache, settings)
    except SettingError as error:
        # A retry would fail in the same way.
        raise AirflowFailException(str(error)) from error
    except CacheUnavailableError as error:
        _record(Outcome.DEFERRED, {"reason": str(error)})
        raise AirflowSkipException(f"deferred: {error}") from error
    _LOGGER.info("event=cache_cleanup run=%s %s", run_id, report.summary())
    for warning in report.warnings:
        _LOGGER.warning("event=cache_cleanup run=%s %s", run_id, warning)
    _record(Outcome.SUCCESS, report.as_dict())
    return report.as_dict()


def _record(outcome: Outcome, report: dict[str, Any]) -> None:
    """Count and record the run. If the database is down, only log it: the cleanup needs none."""
    from analytics_scheduler.database import connected
    from analytics_scheduler.queries import Queries
    from analytics_scheduler.run_records import FinishedRun, finish_run

    context = get_current_context()
    run = FinishedRun(
        task=context["dag"].dag_id,
        run_id=context["run_id"],
        outcome=outcome,
        started_at=started_at(context),
        report=report,
    )
    emit_run(context, run)
    try:
        settings = DatabaseSettings.load()
        with connected(settings, through_airflow=True) as connection:
            finish_run(Queries(connection, settings), run, load_alert_settings())
    except AnalyticsError as error:
        _LOGGER.warning("event=run_not_recorded run=%s reason=%s", run.run_id, error)
