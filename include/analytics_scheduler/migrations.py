"""Numbered migrations of the package's tables, each applied once and in its own transaction.

A migration only adds: tables, indexes, columns that are nullable or have a default, words that a
CHECK allows. So an older version of the package works with the tables of a newer one.
`sql/schema.sql` shows the result of all migrations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql

from analytics_scheduler.errors import SchemaError
from analytics_scheduler.queries import SQL_FOLDER, Queries

MIGRATIONS = SQL_FOLDER / "migrations"
# Any number, but always the same: two migrators wait for each other.
_LOCK_KEY = 7_261_400_311_905_524_001

# What an `analytics_snapshots` of another service must have to be adopted: the documented columns
# of 0001, and no column of a later migration, which adds it to an adopted table as to its own.
_ADOPTABLE_COLUMNS: Mapping[str, str] = {
    "id": "uuid",
    "location_id": "uuid",
    "period_type": "character varying(20)",
    "period_start": "date",
    "period_end": "date",
    "total_inventory_value": "numeric(12,2)",
    "total_items": "integer",
    "turnover_ratio": "numeric(8,2)",
    "wastage_value": "numeric(12,2)",
    "wastage_percentage": "numeric(5,2)",
    "revenue": "numeric(12,2)",
    "cost_of_goods_sold": "numeric(12,2)",
    "created_at": "timestamp without time zone",
}
_ADOPTABLE_KEY = ["location_id", "period_type", "period_start"]
# A run names these in every row that it inserts; any other column needs a default or allows NULL.
_ALWAYS_WRITTEN = frozenset({"location_id", "period_type", "period_start", "period_end"})


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What `migrate` did: the names applied by this call, and the version that the tables have now.

    The version is above `wanted_version()` if a newer version of the package has migrated.
    `adopted_rows` counts the snapshots that were there before the package.
    """

    applied: tuple[str, ...]
    version: int
    adopted_rows: int


def migration_names() -> list[str]:
    """Return the names of all migrations, in order."""
    return sorted(path.stem for path in MIGRATIONS.glob("[0-9][0-9][0-9][0-9]_*.sql"))


def wanted_version() -> int:
    """Return the number of the last migration of this version of the package."""
    return _number(migration_names()[-1])


def migrate(queries: Queries) -> MigrationReport:
    """Apply the missing migrations, each committed by itself; safe to repeat and to interrupt.

    An existing `analytics_snapshots` of the documented shape is adopted with its rows; raises
    SchemaError if it has another shape, or if the source has no `locations`.
    """
    applied = tuple(name for name in migration_names() if _apply(queries, name))
    report = MigrationReport(applied, applied_version(queries), queries.value("count_adopted"))
    queries.connection.commit()
    return report


def require_migrated(queries: Queries) -> None:
    """Raise SchemaError if the package's tables are missing or older than this version."""
    version, wanted = applied_version(queries), wanted_version()
    if version < wanted:
        raise SchemaError(
            f"The package's tables in schema {queries.settings.analytics_schema} are at version "
            f"{version}; this version of the package needs {wanted}. "
            "Run: analytics-scheduler migrate"
        )


def applied_version(queries: Queries) -> int:
    """Return the number of the last migration that was applied, or 0 if none was."""
    if not queries.value("has_migrations", schema=queries.settings.analytics_schema):
        return 0
    return int(queries.value("read_version"))


def require_adoptable(queries: Queries) -> None:
    """Raise SchemaError if there is a table of snapshots that the package cannot adopt.

    Once the first migration is applied the table is the package's own, and always passes.
    """
    if applied_version(queries):
        return
    schema = queries.settings.analytics_schema
    columns = queries.run("read_snapshot_columns", schema=schema).fetchall()
    if not columns:
        return
    types = {name: type_name for name, type_name, _ in columns}
    problems = [
        f"column {name} is {types.get(name, 'missing')}, must be {required}"
        for name, required in _ADOPTABLE_COLUMNS.items()
        if types.get(name) != required
    ]
    if not queries.value("has_unique_key", schema=schema, columns=_ADOPTABLE_KEY):
        problems.append(f"a unique key ({', '.join(_ADOPTABLE_KEY)}) is missing")
    problems += [
        f"column {name} is NOT NULL and has no default"
        for name, _, must_be_given in columns
        if must_be_given and name not in _ALWAYS_WRITTEN
    ]
    if problems:
        raise SchemaError(
            f"The table {schema}.analytics_snapshots has another shape than the package's: "
            f"{'; '.join(problems)}. Nothing was changed. Alter or rename the table, then run: "
            "analytics-scheduler migrate"
        )


def locations_can_be_referenced(queries: Queries) -> bool | None:
    """Return whether a foreign key can reference `locations`; None if there is no such relation."""
    found: bool | None = queries.value("find_locations", schema=queries.settings.source_schema)
    return found


def _number(name: str) -> int:
    return int(name.split("_", 1)[0])


def _apply(queries: Queries, name: str) -> bool:
    with queries.connection.transaction():
        queries.run("lock_migrations", key=_LOCK_KEY)
        if applied_version(queries) >= _number(name):
            return False
        _create_record(queries)
        require_adoptable(queries)
        # A migration is a script of several statements, so it is not one of the named ones.
        text = (MIGRATIONS / f"{name}.sql").read_text(encoding="utf-8")
        queries.connection.execute(
            sql.SQL(text).format(
                analytics=sql.Identifier(queries.settings.analytics_schema),
                source=sql.Identifier(queries.settings.source_schema),
                location_reference=_location_reference(queries),
            )
        )
        queries.run("record_migration", number=_number(name), name=name)
    return True


def _create_record(queries: Queries) -> None:
    """Create the schema and the record of migrations if they are missing.

    `IF NOT EXISTS` alone would need the privilege to create a schema even if there is one.
    """
    if not queries.value("has_schema", schema=queries.settings.analytics_schema):
        queries.run("create_schema")
    queries.run("create_migrations")


def _location_reference(queries: Queries) -> sql.Composable:
    can_be_referenced = locations_can_be_referenced(queries)
    schema = queries.settings.source_schema
    if can_be_referenced is None:
        raise SchemaError(
            f"There is no table or view {schema}.locations. Create it, or set SOURCE_SCHEMA to the "
            "schema that contains the inventory. analytics-scheduler check lists everything that "
            "is needed."
        )
    if not can_be_referenced:
        return sql.SQL("")
    return sql.SQL("REFERENCES {}.locations (id)").format(sql.Identifier(schema))
