"""
# Cache cleanup

**What**: removes the entries of the analytics cache in Redis whose time is over: expired ones that
Redis has not reclaimed, and entries without a TTL that nobody used for `CACHE_MAX_IDLE_SECONDS`.
Only keys that match `CACHE_PATTERNS` are touched or read.

**When**: every hour, `0 * * * *`; other clients never wait for it, at any hour.

**Steps**: `clean_cache` walks over the keys once and reports keys scanned, keys removed and the
memory before and after.

**When it is skipped**: Redis was away, refused, took no writes or was out of memory. The log says
which in one line that begins with "deferred"; the next run does the work. Nothing is to be done
unless it goes on.

**When it fails**: a setting cannot be read; the log names it and what is allowed.
"""

from airflow.sdk import DAG

from analytics_scheduler.orchestration.cache import clean_cache
from analytics_scheduler.orchestration.options import dag_options
from analytics_scheduler.orchestration.schedules import schedule_of

with DAG(
    "cache-cleanup",
    description="Remove the entries of the analytics cache whose time is over",
    doc_md=__doc__,
    schedule=schedule_of("cache-cleanup"),
    **dag_options("cache"),
):
    clean_cache()
