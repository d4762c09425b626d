"""
# Daily snapshot

**What**: writes the figures of the day before, for every active location, into
`analytics_snapshots`.

**When**: `0 2 * * *` in `SCHEDULER_TIMEZONE`, when the day before is over. A run
that is triggered at any other time writes the same day: the last one that was over at that
moment. The form takes a day inside another one.

**Steps**: `plan_shards` decides the day and cuts the locations into ranges of ids;
`write_snapshots` writes each range, batch by batch, each batch committed by itself;
`publish_snapshots` puts the latest figures into the cache; a cache that is away costs a warning;
`confirm_snapshots` counts the expected rows, records the run and announces the asset
`analytics_snapshots_daily`.

**More**: it also writes the days that are missing since the last one (`SNAPSHOT_CATCHUP_DAYS`),
and repairs days whose movements were booked, changed or deleted late
(`SNAPSHOT_LOOKBACK_DAYS`), with the weeks and months that hold them.

**When it fails**: read the log of `confirm_snapshots`. It names the locations that are missing and
why; everything else was written and stays. Mend the cause (`analytics-scheduler check` helps), then
clear the failed tasks: only what is missing is done.
"""

from airflow.sdk import DAG

from analytics_scheduler.orchestration.schedules import schedule_of
from analytics_scheduler.orchestration.snapshots import (
    confirm,
    plan,
    publish,
    snapshot_options,
    write,
)

with DAG(
    "daily-snapshot",
    description="The figures of the day before, for every active location",
    doc_md=__doc__,
    schedule=schedule_of("daily-snapshot"),
    **snapshot_options("daily"),
):
    parts = plan("daily")
    write(parts) >> publish(parts) >> confirm(parts, "daily")
