"""
# Monthly snapshot

**What**: writes the figures of the last calendar month into `analytics_snapshots`, one row for each
active location.

**When**: on the first of each month at 04:00 (`0 4 1 * *`) in `SCHEDULER_TIMEZONE`, two hours after
the daily snapshot of the month's last day. A run triggered at any other time writes the same month:
the last one that had ended by then. To write another month, trigger the DAG with a `date` in it.
With `force`, its stored days are computed again at current costs and prices, and the old figures
are kept as revisions.

**Steps**

1. `plan_shards` picks the month, records the costs and prices of the moment, and splits the
   locations into ranges of ids: one range for up to `SNAPSHOT_SHARD_LOCATIONS` locations.
2. `write_snapshots` writes each range batch by batch. Each batch is committed on its own.
3. `publish_snapshots` writes the latest figures to the cache. If Redis is down it logs a warning,
   and the next run publishes them.
4. `confirm_snapshots` counts the rows that should exist, records the run, and emits the asset
   `analytics_snapshots_monthly`.

**How**: a month is composed from its stored days, so its revenue is the sum of theirs. Days that
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
    "monthly-snapshot",
    description="The figures of the last calendar month, composed from its days",
    doc_md=__doc__,
    schedule=schedule_of("monthly-snapshot"),
    **snapshot_options("monthly"),
):
    parts = plan("monthly")
    write(parts) >> publish(parts) >> confirm(parts, "monthly")
