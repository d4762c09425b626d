"""After a run: the figures go to the cache, whose absence never harms a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analytics_scheduler.errors import AnalyticsError
from analytics_scheduler.settings import CacheSettings, DatabaseSettings
from analytics_scheduler.snapshots.report import SnapshotReport
from analytics_scheduler.vocabulary import PeriodType

if TYPE_CHECKING:
    from psycopg import Connection


def publish_figures(
    connection: Connection[Any],
    database: DatabaseSettings,
    report: SnapshotReport,
    *,
    through_airflow: bool = False,
) -> list[str]:
    """Publish the latest figures of the periods that a run touched; return what went wrong.

    Whatever fails here is made up by the next run, so it is told and not raised.
    """
    from analytics_scheduler.cache.connection import connected_cache
    from analytics_scheduler.cache.publish import publish_latest

    try:
        settings = CacheSettings.load()
        with connected_cache(settings, through_airflow=through_airflow) as cache:
            for period_type in _touched(report):
                publish_latest(cache, connection, database, settings, period_type)
    except AnalyticsError as error:
        return [f"The latest figures were not published; the next run makes up for it: {error}"]
    return []


def _touched(report: SnapshotReport) -> list[PeriodType]:
    own = PeriodType(report.period_type)
    if not report.composed:
        return [own]
    return [own, *(period_type for period_type in PeriodType if period_type is not own)]
