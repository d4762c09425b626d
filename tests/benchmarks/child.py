"""One snapshot run in a process of its own: its seconds, from connecting on, and its peak memory.

python -m tests.benchmarks.child '{"url": ..., "period_type": "daily", "day": "2026-03-10"}'
"""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from analytics_scheduler.database import connected
from analytics_scheduler.settings import CalendarSettings, DatabaseSettings, SnapshotSettings
from analytics_scheduler.snapshots import (
    RunSettings,
    SnapshotReport,
    SnapshotRequest,
    count_missing,
    prepare,
    request_for,
    run_in_jobs,
)
from analytics_scheduler.vocabulary import PeriodType


def request_of(work: dict[str, Any], settings: RunSettings) -> SnapshotRequest:
    """Return what a run is asked for: a day, a range of days, or the last complete period."""
    now = datetime.fromisoformat(work["now"])
    days = [date.fromisoformat(text) for text in work.get("days", ())]
    return request_for(
        PeriodType(work["period_type"]),
        settings.calendar,
        run_id="benchmark",
        moment=now,
        now=max(now, datetime.now(UTC)),
        date_wanted=days[0] if len(days) == 1 else None,
        date_range=(days[0], days[1]) if len(days) == 2 else None,
    )


def main(text: str) -> None:
    work: dict[str, Any] = json.loads(text)
    environ = {"DATABASE_URL": work["url"], "TASK_TIMEOUT_SECONDS": "3600"}
    settings = RunSettings(
        database=DatabaseSettings.load(environ),
        snapshots=SnapshotSettings.load(work.get("environ", {})),
        calendar=CalendarSettings.load({}).calendar(),
    )
    request = request_of(work, settings)
    connect = partial(connected, settings.database)
    started = time.perf_counter()
    with connect() as connection:
        context = prepare(connection, settings)
        jobs = settings.snapshots.jobs
        report: SnapshotReport = run_in_jobs(context, request, connect, jobs=jobs)
        count_missing(context.queries, request, report)
    seconds = time.perf_counter() - started
    assert not report.failures, report.failures_in_short()
    print(json.dumps({"seconds": seconds, "peak_memory_mib": report.peak_memory_mib}))


if __name__ == "__main__":
    main(sys.argv[1])
