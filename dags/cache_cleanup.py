"""
# Cache cleanup

**What**: removes entries of the analytics cache in Redis that nobody needs: expired entries that
Redis has not reclaimed yet, and entries without a TTL that have been idle for
`CACHE_MAX_IDLE_SECONDS`. It touches and reads only keys that match `CACHE_PATTERNS`.

**When**: every hour, on the hour (`0 * * * *`). It works in steps so short that other clients do
not notice it.

**Steps**: `clean_cache` scans the keys once. It reports how many keys it scanned and removed, and
how much memory Redis used before and after.

**When it is skipped**: Redis was down, refused the commands, was read-only, or was out of memory.
The log has one line that begins with "deferred" and says which. The next run catches up, so do
nothing unless it keeps happening.

**When it fails**: a setting is invalid. The log names the setting and what is allowed.
"""

from airflow.sdk import DAG

from analytics_scheduler.orchestration.cache import clean_cache
from analytics_scheduler.orchestration.options import dag_options
from analytics_scheduler.orchestration.schedules import schedule_of

with DAG(
    "cache-cleanup",
    description="Remove expired or idle entries of the analytics cache",
    doc_md=__doc__,
    schedule=schedule_of("cache-cleanup"),
    **dag_options("cache"),
):
    clean_cache()
