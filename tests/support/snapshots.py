"""Snapshots and their bookkeeping, written row by row as a test needs them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID, uuid4

from tests.support.inventory import Inventory

from analytics_scheduler.snapshots.metrics import NAMES


@dataclass(frozen=True, slots=True)
class StoredSnapshots(Inventory):
    """The tables of one test database; every call commits."""

    def known_location(self, *, is_active: bool = True) -> UUID:
        """Add a location for which snapshots have been taken before."""
        location = self.location(is_active=is_active)
        self.execute("INSERT INTO analytics_snapshot_locations VALUES (%s)", location)
        return location

    def snapshot(
        self,
        location: UUID,
        period_type: str,
        start: date,
        end: date | None = None,
        **figures: str | int | None,
    ) -> UUID:
        """Store a snapshot, of one day unless `end` is given; figures not given are NULL."""
        new_id = uuid4()
        values = [figures.pop(name, None) for name in NAMES]
        assert not figures, f"not a figure: {figures}"
        self.execute(
            "INSERT INTO analytics_snapshots (id, location_id, period_type, period_start,"
            f" period_end, {', '.join(NAMES)}) VALUES ({', '.join(['%s'] * (5 + len(NAMES)))})",
            new_id,
            location,
            period_type,
            start,
            end or start,
            *values,
        )
        return new_id

    def days(self, location: UUID, first: date, last: date) -> None:
        """Store daily snapshots together with their bookkeeping."""
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            self.snapshot(location, "daily", day)
            self.execute(
                "INSERT INTO analytics_snapshot_days (location_id, day, movements, in_items,"
                " out_items, waste_items, adjustment_items, in_cents, out_cents, waste_cents,"
                " adjustment_cents, revenue_cents, cogs_cents, closing_items, closing_cents,"
                " fingerprint, timezone, priced_at, processed_at, run_id) VALUES (%s, %s, 0, 0, 0,"
                " 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'UTC', now(), now(), 'test')",
                location,
                day,
            )

    def revision(
        self, location: UUID, period_type: str, start: date, end: date | None = None
    ) -> None:
        """Store a revision of a snapshot."""
        self.execute(
            "INSERT INTO analytics_snapshot_revisions (location_id, period_type, period_start,"
            " period_end, old_figures, new_figures, reason, run_id)"
            " VALUES (%s, %s, %s, %s, '{}', '{}', 'late data', 'test')",
            location,
            period_type,
            start,
            end or start,
        )

    def starts(self, period_type: str = "daily") -> list[date]:
        """Return the first days of the stored snapshots of a period type, in order."""
        query = "SELECT period_start FROM analytics_snapshots WHERE period_type = %s ORDER BY 1"
        return [start for (start,) in self.rows(query, period_type)]

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        return int(self.value(f"SELECT count(*) FROM {table}"))
