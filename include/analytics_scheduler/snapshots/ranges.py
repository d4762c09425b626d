"""Ranges of location ids: a shard is one given to a task, a batch one written in a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from analytics_scheduler.database import limit_lock_waits

if TYPE_CHECKING:
    from analytics_scheduler.queries import Queries
    from analytics_scheduler.settings import SnapshotSettings

# Up to this many locations are looked up by their ids; of larger batches the id range is read.
_LOOKED_UP = 20


@dataclass(frozen=True, slots=True)
class LocationRange:
    """Location ids after one id, up to and including another; None leaves that end open."""

    after: UUID | None = None
    until: UUID | None = None

    @classmethod
    def only(cls, location: UUID) -> LocationRange:
        """Return the range that holds one id."""
        return cls(UUID(int=location.int - 1) if location.int else None, location)

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters `after` and `until` of a statement."""
        return {"after": self.after, "until": self.until}

    def as_dict(self) -> dict[str, Any]:
        """Return the range as plain data: a few bytes, however many locations it holds.

        Tasks of the first version, which a rolling upgrade leaves running, also read `number` and
        `locations`, for a line in their log.
        """
        ends = {name: str(value) if value else None for name, value in self.parameters.items()}
        return {"number": 0, **ends, "locations": 0}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LocationRange:
        """Return the range that `as_dict` gave out."""
        return cls(*(UUID(data[name]) if data[name] else None for name in ("after", "until")))


EVERYTHING = LocationRange()


@dataclass(frozen=True, slots=True)
class Batch:
    """The locations that one transaction writes: their range, their ids in order, their names."""

    ids: Sequence[UUID]
    array: str
    names: Mapping[UUID, str]
    range: LocationRange | None

    @classmethod
    def of(cls, names: Mapping[UUID, str], location_range: LocationRange | None = None) -> Batch:
        """Return the batch of these locations; without a range they are looked up by their ids."""
        ids = list(names)
        return cls(ids, uuid_array(ids), names, location_range)

    def array_of(self, locations: Sequence[UUID]) -> str:
        """Return locations of the batch as the text of a uuid[] parameter."""
        return self.array if locations is self.ids else uuid_array(locations)

    def filter(self, locations: Sequence[UUID]) -> dict[str, Any]:
        """Return the parameters that limit a statement to these locations of the batch.

        A statement that reads the whole batch tests the range of ids, which is cheaper than a list.
        """
        is_whole = len(locations) == len(self.ids) and len(locations) > _LOOKED_UP
        by_range = self.range if is_whole else None
        return {
            "locations": self.array_of(locations),
            "by_id": by_range is None,
            **(by_range or EVERYTHING).parameters,
        }

    def label(self, location: UUID) -> str:
        """Return how reports name a location."""
        return location_label(location, self.names.get(location))


def location_label(location: UUID, name: str | None) -> str:
    """Return how reports name a location: its name and id."""
    return f"{name} [{location}]" if name else str(location)


def uuid_array(ids: Sequence[UUID]) -> str:
    """Return ids as the text of a uuid[] parameter, which is far cheaper to send than a list."""
    return "{" + ",".join(map(str, ids)) + "}"


def plan_shards(queries: Queries, settings: SnapshotSettings) -> list[LocationRange]:
    """Return the ranges of locations that the tasks of a run write, SNAPSHOT_SHARDS of them."""
    return cut_locations(queries, settings.shards)


def cut_locations(
    queries: Queries, count: int, within: LocationRange = EVERYTHING
) -> list[LocationRange]:
    """Cut a range into `count` ranges of active locations, or one for each if there are fewer.

    The first begins where the whole begins and the last ends where it ends, so that a location that
    is created meanwhile is in one of them.
    """
    if count == 1:
        return [within]
    with queries.connection.transaction():
        limit_lock_waits(queries)
        rows = queries.run("find_shards", shards=count, **within.parameters).fetchall()
    ends: list[UUID | None] = [last for (last,) in rows[:-1]]
    return [
        LocationRange(after, until)
        for after, until in zip([within.after, *ends], [*ends, within.until], strict=True)
    ]


def next_range(
    queries: Queries, shard: LocationRange, after: UUID | None, size: int
) -> LocationRange:
    """Return the range of the next locations of a shard, at most `size` active ones.

    The last range ends where the shard ends, so that it holds locations created meanwhile.
    """
    with queries.connection.transaction():
        limit_lock_waits(queries)
        ends = queries.run("find_batch_end", after=after, until=shard.until, size=size).fetchall()
    return LocationRange(after, ends[0][0] if len(ends) > 1 else shard.until)
