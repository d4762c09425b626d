"""A database with a sample, and the ways to take snapshots of it: ours, and the yardsticks."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from tests.support.database import execute, rows, value

from analytics_scheduler.snapshots import metrics

YARDSTICKS = Path(__file__).with_name("yardsticks")
ONE_DAY = timedelta(days=1)
COMPARED = f"location_id, period_type, period_start, period_end, {metrics.columns()}"


@dataclass(frozen=True, slots=True)
class Timing:
    """How long something took, from connect to commit, and the most memory that it held."""

    seconds: float
    peak_memory_mib: float | None = None


class SampledDatabase:
    """The sample and its snapshots; the yardsticks write to the table best_snapshots."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.now = datetime.now(UTC)
        self.yesterday = self.now.date() - ONE_DAY
        execute(
            url,
            "DROP TABLE IF EXISTS best_snapshots",
            "CREATE TABLE best_snapshots (LIKE analytics_snapshots INCLUDING ALL,"
            " FOREIGN KEY (location_id) REFERENCES locations (id))",
        )

    def tidy(self) -> None:
        """Let the planner know what is stored, and leave no dead rows to the next timing."""
        execute(
            self.url,
            "VACUUM ANALYZE analytics_snapshots, analytics_snapshot_days",
            "TRUNCATE best_snapshots",
        )

    def forget(self) -> None:
        """Remove everything that runs have written."""
        tables = ("snapshots", "snapshot_days", "snapshot_revisions")
        execute(self.url, *(f"TRUNCATE analytics_{table}" for table in tables))
        self.tidy()

    def remove(self, period_type: str, first: date, last: date) -> None:
        """Remove the rows of some periods, and of days what they were composed from."""
        between = f"BETWEEN '{first}' AND '{last}'"
        if period_type == "daily":
            execute(self.url, f"DELETE FROM analytics_snapshot_days WHERE day {between}")
        execute(
            self.url,
            f"DELETE FROM analytics_snapshots WHERE period_type = '{period_type}'"
            f" AND period_start {between}",
        )
        self.tidy()

    def take(self, period_type: str = "daily", *days: date, **environ: str) -> Timing:
        """Take snapshots in a process of its own: of the last period, of a day, or of a range."""
        work = {
            "url": self.url,
            "period_type": period_type,
            "days": [str(day) for day in days],
            "now": self.now.isoformat(),
            "environ": environ,
        }
        words = [sys.executable, "-m", "tests.benchmarks.child", json.dumps(work)]
        return Timing(**json.loads(subprocess.run(words, capture_output=True, check=True).stdout))

    def best(self, yardstick: str, period_type: str, first: date, last: date) -> Timing:
        """Execute a yardstick over a connection of its own."""
        days = (last - first).days + 1
        parameters: dict[str, Any] = {
            "period_type": period_type,
            "start": first,
            "end": last + ONE_DAY,
            "days": days,
            "starts": [
                datetime.combine(first + n * ONE_DAY, datetime.min.time()) for n in range(days + 1)
            ],
        }
        text = (YARDSTICKS / f"{yardstick}.sql").read_text(encoding="utf-8")
        started = time.perf_counter()
        with psycopg.connect(self.url) as connection:
            connection.execute(text, parameters)
        return Timing(time.perf_counter() - started)

    def differing_rows(self, period_type: str, first: date, last: date) -> int:
        """Count the rows of these periods that only we or only the yardstick has written."""
        query = (
            f"SELECT {COMPARED} FROM {{}} WHERE period_type = '{period_type}'"
            f" AND period_start BETWEEN '{first}' AND '{last}'"
        )
        ours, best = query.format("analytics_snapshots"), query.format("best_snapshots")
        differing = f"({ours} EXCEPT {best}) UNION ALL ({best} EXCEPT {ours})"
        return int(value(self.url, f"SELECT count(*) FROM ({differing}) AS differing"))

    def book_late(self, day: date) -> None:
        """Sell one piece more on a day, with its stock, at the first location."""
        execute(
            self.url,
            "WITH sold AS (INSERT INTO stock_movements"
            " (location_id, product_id, quantity, type, reason, created_at)"
            " SELECT location_id, product_id, 1, 'out', 'late', "
            f"'{day} 12:00' FROM inventory_items ORDER BY location_id, product_id LIMIT 1"
            " RETURNING location_id, product_id)"
            " UPDATE inventory_items AS i SET quantity = quantity - 1 FROM sold AS s"
            " WHERE i.location_id = s.location_id AND i.product_id = s.product_id",
        )

    def drop_indexes(self, columns: Iterable[str]) -> None:
        """Drop the indexes of the ledger on these lists of columns."""
        listed = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'stock_movements'"
        for name, definition in rows(self.url, listed):
            if any(definition.endswith(f"({names})") for names in columns):
                execute(self.url, f"DROP INDEX {name}")
