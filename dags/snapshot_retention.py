"""
# Snapshot retention

**What**: deletes daily, weekly and monthly snapshots whose period ended longer ago than
`RETENTION_DAILY`, `RETENTION_WEEKLY` and `RETENTION_MONTHLY` say, and what described them. A daily
row stays, with a warning, while the week or the month that holds it has not been composed.

**When**: `30 5 * * *`, after the snapshots of the night: what they compose is composed by then.

**Steps**: `prune_snapshots` deletes page by page, each page a short transaction, and reports the
rows gone and held back of each kind. The form takes a dry run, which only counts.

**When it warns**: it names the weeks and months that are missing and the command that composes
them; the daily rows go with the next run after that.

**When it fails**: a setting that cannot be read deletes nothing; the log names it and what is
allowed. After anything else clear the task: it goes on where it stopped.
"""

from airflow.sdk import DAG

from analytics_scheduler.orchestration.retention import prune_snapshots, retention_options
from analytics_scheduler.orchestration.schedules import schedule_of

with DAG(
    "snapshot-retention",
    description="Delete snapshots whose time is over, and nothing that is still needed",
    doc_md=__doc__,
    schedule=schedule_of("snapshot-retention"),
    **retention_options(),
):
    prune_snapshots()
