"""
# Weekly snapshot

**What**: writes the figures of the last complete week, for every active location, into
`analytics_snapshots`.

**When**: `0 3 * * 0` in `SCHEDULER_TIMEZONE`, an hour after the daily snapshot of its last
day. A run that is triggered at any other time writes the same week: the last one that was over
at that moment. The form takes a day inside another one.

**Steps**: `plan_shards` decides the week and cuts the locations into ranges of ids;
`write_snapshots` writes each range, batch by batch, each batch committed by itself;
`publish_snapshots` puts the latest figures into the cache; a cache that is away costs a warning;
`confirm_snapshots` counts the expected rows, records the run and announces the asset
`analytics_snapshots_weekly`.

**More**: a week is composed from its stored days, so its revenue is the sum of theirs; days that
are missing are computed first. Weeks start on `SCHEDULER_WEEK_START`.

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
    "weekly-snapshot",
    description="The figures of the last complete week, composed from its days",
    doc_md=__doc__,
    schedule=schedule_of("weekly-snapshot"),
    **snapshot_options("weekly"),
):
    parts = plan("weekly")
    write(parts) >> publish(parts) >> confirm(parts, "weekly")
