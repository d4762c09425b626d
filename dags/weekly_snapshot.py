"""
# Weekly snapshot

**What**: writes the figures of the last complete week into `analytics_snapshots`, one row for each
active location.

**When**: every Sunday at 03:00 (`0 3 * * 0`) in `SCHEDULER_TIMEZONE`, an hour after the daily
snapshot of the week's last day. Weeks start on `SCHEDULER_WEEK_START`. A run triggered at any other
time writes the same week: the last one that had ended by then. To write another week, trigger the
DAG with a `date` in it. With `force`, its stored days are computed again at current costs and
prices, and the old figures are kept as revisions.

**Steps**

1. `plan_shards` picks the week, records the costs and prices of the moment, and splits the
   locations into ranges of ids: one range for up to `SNAPSHOT_SHARD_LOCATIONS` locations.
2. `write_snapshots` writes each range batch by batch. Each batch is committed on its own.
3. `publish_snapshots` writes the latest figures to the cache. If Redis is down it logs a warning,
   and the next run publishes them.
4. `confirm_snapshots` counts the rows that should exist, records the run, and emits the asset
   `analytics_snapshots_weekly`.

**How**: a week is composed from its stored days, so its revenue is the sum of theirs. Days that
are missing are computed first.

**When it fails**: read the log of `confirm_snapshots`. It names the locations that are missing and
says why; everything else has been written and stays. If `plan_shards` failed, its log says what is
wrong. Fix the cause (`analytics-scheduler check` helps), then clear the failed tasks: the retry
writes only what is missing.
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
