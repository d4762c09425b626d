"""Ranges of location ids, so that a large run can be spread over several tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg import Connection

from analytics_scheduler.database import statement
from analytics_scheduler.snapshots.context import RunSettings


@dataclass(frozen=True, slots=True)
class Shard:
    """A range of location ids: after the one, up to and with the other; None is open."""

    number: int
    after: UUID | None
    until: UUID | None
    locations: int

    def as_dict(self) -> dict[str, Any]:
        """Return the range as plain data, a few bytes whatever it holds."""
        return {
            "number": self.number,
            "after": None if self.after is None else str(self.after),
            "until": None if self.until is None else str(self.until),
            "locations": self.locations,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Shard:
        """Return the range that `as_dict` gave out."""
        return cls(
            data["number"],
            UUID(data["after"]) if data["after"] else None,
            UUID(data["until"]) if data["until"] else None,
            data["locations"],
        )


WHOLE = Shard(1, None, None, 0)


def plan_shards(connection: Connection[Any], setup: RunSettings) -> list[Shard]:
    """Return one open range for a small number of locations, several ranges for a large one.

    The first range is open at its beginning and the last at its end, so that a location that
    comes in between is in one of them.
    """
    row = connection.execute(statement("count_locations", setup.database)).fetchone()
    locations = int(row[0]) if row else 0
    per_shard = setup.snapshots.shard_locations
    count = min(-(-locations // per_shard), setup.snapshots.max_shards)
    if count <= 1:
        connection.rollback()
        return [Shard(1, None, None, locations)]
    rows = connection.execute(
        statement("find_shards", setup.database), {"shards": count}
    ).fetchall()
    connection.rollback()
    lasts: list[UUID | None] = [row[1] for row in rows]
    return [
        Shard(number, after, until, size)
        for (number, _, size), after, until in zip(
            rows, [None, *lasts[:-1]], [*lasts[:-1], None], strict=True
        )
    ]
