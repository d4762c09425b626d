"""
# Snapshot retention

**What**: deletes daily, weekly and monthly snapshots whose period ended longer ago than
`RETENTION_DAILY`, `RETENTION_WEEKLY` and `RETENTION_MONTHLY` allow, and the bookkeeping that
belongs to them. A daily row stays until the week and the month that contain it have been composed.

**When**: every day at 05:30 (`30 5 * * *`) in `SCHEDULER_TIMEZONE`, after the snapshots of the
night.

**Steps**: `prune_snapshots` deletes page by page, each page in a short transaction, and reports how
many rows of each kind it deleted and how many it held back. Trigger it with `dry_run` to count
without deleting.

**When it warns**: daily rows are held back because weeks or months are missing. The warning names
them and the command that composes them; the next run then deletes the daily rows.

**When it fails**: an invalid setting deletes nothing, and the log names the setting and what is
allowed. After any other failure, clear the task: it continues from where it stopped.
"""

from airflow.sdk import DAG

from analytics_scheduler.orchestration.retention import prune_snapshots, retention_options
from analytics_scheduler.orchestration.schedules import schedule_of

with DAG(
    "snapshot-retention",
    description="Delete snapshots that are older than the retention settings allow",
    doc_md=__doc__,
    schedule=schedule_of("snapshot-retention"),
    **retention_options(),
):
    prune_snapshots()
