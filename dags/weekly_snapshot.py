"""
# Weekly snapshot

**What**: writes the figures of the last complete week into `analytics_snapshots`, one row for each
active location.

**When**: every Sunday at 03:00 (`0 3 * * 0`) in `SCHEDULER_TIMEZONE`, an hour after the daily
snapshot of the week's last day. Weeks start on `SCHEDULER_WEEK_START`. A run triggered at any other
time writes the same week: the last one that had ended by then. To write another week, trigger the
DAG with a `date` in it. With `force`, its stored days are computed again at current costs and
prices, and the old figures are kept as revisions.

**How**: the task `write_snapshots` picks the week, records the costs and prices of the moment, and
writes the locations batch by batch. Each batch is committed on its own. Then it counts the rows
that should exist, records the run, and publishes the latest figures to the cache. If Redis is down
it logs a warning, and the next run publishes them. A success emits the asset
`analytics_snapshots_weekly`. With `SNAPSHOT_SHARDS` above 1 the work is split: `plan_shards`, a
`write_snapshots` for each range of locations, and `finish_run`.

A week is composed from its stored days, so its revenue is the sum of theirs. Days that
are missing are computed first.

**When it fails**: read the log of the task that failed. It names the locations that are missing and
says why; everything else has been written and stays. Fix the cause (`analytics-scheduler check`
helps), then clear the task: the retry writes only what is missing.
"""

from airflow.sdk import DAG

from analytics_scheduler.orchestration.schedules import schedule_of
from analytics_scheduler.orchestration.snapshots import snapshot_options, snapshot_tasks

with DAG(
    "weekly-snapshot",
    description="The figures of the last complete week, composed from its days",
    doc_md=__doc__,
    schedule=schedule_of("weekly-snapshot"),
    **snapshot_options("weekly"),
):
    snapshot_tasks("weekly")
