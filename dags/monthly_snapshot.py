"""
# Monthly snapshot

**What**: writes the figures of the last calendar month into `analytics_snapshots`, one row for each
active location.

**When**: on the first of each month at 04:00 (`0 4 1 * *`) in `SCHEDULER_TIMEZONE`, two hours after
the daily snapshot of the month's last day. A run triggered at any other time writes the same month:
the last one that had ended by then. To write another month, trigger the DAG with a `date` in it.
With `force`, its stored days are computed again at current costs and prices, and the old figures
are kept as revisions.

**How**: the task `write_snapshots` picks the month, records the costs and prices of the moment, and
writes the locations batch by batch. Each batch is committed on its own. Then it counts the rows
that should exist, records the run, and publishes the latest figures to the cache. If Redis is down
it logs a warning, and the next run publishes them. A success emits the asset
`analytics_snapshots_monthly`. With `SNAPSHOT_SHARDS` above 1 the work is split: `plan_shards`, a
`write_snapshots` for each range of locations, and `finish_run`.

A month is composed from its stored days, so its revenue is the sum of theirs. Days that
are missing are computed first.

**When it fails**: read the log of the task that failed. It names the locations that are missing and
says why; everything else has been written and stays. Fix the cause (`analytics-scheduler check`
helps), then clear the task: the retry writes only what is missing.
"""

from airflow.sdk import DAG

from analytics_scheduler.orchestration.schedules import schedule_of
from analytics_scheduler.orchestration.snapshots import snapshot_options, snapshot_tasks

with DAG(
    "monthly-snapshot",
    description="The figures of the last calendar month, composed from its days",
    doc_md=__doc__,
    schedule=schedule_of("monthly-snapshot"),
    **snapshot_options("monthly"),
):
    snapshot_tasks("monthly")
