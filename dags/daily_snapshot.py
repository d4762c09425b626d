"""
# Daily snapshot

**What**: writes the figures of the previous day into `analytics_snapshots`, one row for each
active location.

**When**: every day at 02:00 (`0 2 * * *`) in `SCHEDULER_TIMEZONE`. A run triggered at any other
time writes the same day: the last one that had ended by then. To write another day, trigger the DAG
with that `date`. With `force`, stored days are computed again at current costs and prices, and the
old figures are kept as revisions.

**How**: the task `write_snapshots` picks the day, records the costs and prices of the moment, and
writes the locations batch by batch. Each batch is committed on its own. Then it counts the rows
that should exist, records the run, and publishes the latest figures to the cache. If Redis is down
it logs a warning, and the next run publishes them. A success emits the asset
`analytics_snapshots_daily`. With `SNAPSHOT_SHARDS` above 1 the work is split: `plan_shards`, a
`write_snapshots` for each range of locations, and `finish_run`.

**Repairs**: a run without a `date` also fills in days that are missing from the last
`SNAPSHOT_CATCHUP_DAYS`, and repairs days of the last `SNAPSHOT_LOOKBACK_DAYS` whose movements were
booked, changed or deleted after they were counted, together with the weeks and months that contain
them.

**When it fails**: read the log of the task that failed. It names the locations that are missing and
says why; everything else has been written and stays. Fix the cause (`analytics-scheduler check`
helps), then clear the task: the retry writes only what is missing.
"""

from airflow.sdk import DAG

from analytics_scheduler.orchestration.schedules import schedule_of
from analytics_scheduler.orchestration.snapshots import snapshot_options, snapshot_tasks

with DAG(
    "daily-snapshot",
    description="The figures of the day before, for every active location",
    doc_md=__doc__,
    schedule=schedule_of("daily-snapshot"),
    **snapshot_options("daily"),
):
    snapshot_tasks("daily")
