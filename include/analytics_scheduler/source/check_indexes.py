"""Check what must be unique in the source, and the indexes that keep runs fast."""

from __future__ import annotations

from collections.abc import Iterator

from analytics_scheduler.output import counted
from analytics_scheduler.source.catalog import read_indexes
from analytics_scheduler.source.checked_source import CheckedSource
from analytics_scheduler.source.findings import Finding, error, note, sql_name, warning

_UNIQUE_KEYS = {
    "locations": ["id"],
    "products": ["id"],
    "inventory_items": ["product_id", "location_id"],
}
_MOVEMENTS = "stock_movements"
# The leading columns of an index on the movements, and what happens without it.
_USEFUL_INDEXES = (
    (
        ["created_at"],
        "Without it, every daily run reads the whole table instead of the last days.",
    ),
    (
        ["location_id", "created_at"],
        "Without it, repairing or retrying one location reads the movements of all locations.",
    ),
)


def check_unique_keys(source: CheckedSource) -> Iterator[Finding]:
    """Yield a finding for each key that has duplicates, or that no index keeps unique."""
    indexes = read_indexes(source.queries, list(_UNIQUE_KEYS))
    for relation, columns in _UNIQUE_KEYS.items():
        is_enforced = any(
            index.is_unique
            and index.relation_name == relation
            and set(index.column_names) <= set(columns)
            for index in indexes
        )
        if relation in source.readable and not is_enforced:
            yield from _duplicates(source, relation, columns)


def _duplicates(source: CheckedSource, relation_name: str, columns: list[str]) -> Iterator[Finding]:
    relation = source.relations[relation_name]
    name = source.name(relation_name)
    key = f"{name} ({', '.join(columns)})"
    create_index = _create_index(source, relation_name, columns, unique=True)
    rows = source.rows("count_duplicate_keys", parts=source.identifiers(relation_name, columns))
    if rows is None:
        yield source.unfinished(f"whether {key} is unique", relation_name)
    elif rows[0]["duplicate_keys"]:
        yield error(
            f"{key} has {counted(rows[0]['duplicate_keys'], 'duplicate key')}.",
            "A row that exists twice is counted twice.",
            f"Remove the duplicate rows, then: {create_index}"
            if relation.can_have_indexes
            else f"Make the {relation.kind} {name} return each key once.",
        )
    elif relation.can_have_indexes:
        yield warning(
            f"{key} has no duplicates, but no unique index prevents them.",
            "A row that is inserted twice would be counted twice.",
            create_index,
        )


def check_useful_indexes(source: CheckedSource) -> Iterator[Finding]:
    """Yield a finding for each index on the movements that would make runs faster."""
    movements = source.relations.get(_MOVEMENTS)
    if movements is None:
        return
    name = source.name(_MOVEMENTS)
    if not movements.can_have_indexes:
        yield note(
            f"{name} is a {movements.kind}, so its indexes cannot be checked.",
            "Runs are fast only if the table that it reads has these indexes.",
            " ".join(
                f"CREATE INDEX CONCURRENTLY ON ... ({', '.join(columns)});"
                for columns, _ in _USEFUL_INDEXES
            ),
        )
        return
    indexes = read_indexes(source.queries, [_MOVEMENTS])
    for columns, why in _USEFUL_INDEXES:
        if not any(index.column_names[: len(columns)] == columns for index in indexes):
            yield warning(
                f"{name} has no index that starts with ({', '.join(columns)}).",
                why,
                _create_index(source, _MOVEMENTS, columns),
            )


def _create_index(
    source: CheckedSource, relation: str, columns: list[str], *, unique: bool = False
) -> str:
    what = "UNIQUE INDEX" if unique else "INDEX"
    how = " CONCURRENTLY" if source.relations[relation].can_index_concurrently else ""
    table = sql_name(source.schema, relation)
    return f"CREATE {what}{how} ON {table} ({', '.join(columns)});"
