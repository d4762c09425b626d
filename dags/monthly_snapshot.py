"""
# Monthly snapshot

**What**: writes the figures of the last calendar month, for every active location, into
`analytics_snapshots`.

**When**: `0 4 1 * *` in `SCHEDULER_TIMEZONE`, two hours after the daily snapshot of its last
day. A run that is triggered at any other time writes the same month: the last one that was over
at that moment. The form takes a day inside another one.

**Steps**: `plan_shards` decides the month and cuts the locations into ranges of ids;
`write_snapshots` writes each range, batch by batch, each batch committed by itself;
`publish_snapshots` puts the latest figures into the cache; a cache that is away costs a warning;
`confirm_snapshots` counts the expected rows, records the run and announces the asset
`analytics_snapshots_monthly`.

**More**: a month is composed from its stored days, so its revenue is the sum of theirs; days that
are missing are computed first.

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
    "monthly-snapshot",
    description="The figures of the last calendar month, composed from its days",
    doc_md=__doc__,
    schedule=schedule_of("monthly-snapshot"),
    **snapshot_options("monthly"),
):
    parts = plan("monthly")
    write(parts) >> publish(parts) >> confirm(parts, "monthly")
