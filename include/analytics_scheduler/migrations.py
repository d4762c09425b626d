"""Numbered, repeatable migrations: each in a transaction of its own, one migrator at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import Connection, sql

from analytics_scheduler.database import statement
from analytics_scheduler.errors import SchemaError
from analytics_scheduler.settings import DatabaseSettings

_FOLDER = Path(__file__).parent / "sql" / "migrations"
_LOCK_KEY = 7_261_400_311_905_524_001


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What a call of `migrate` did: numbers applied now, and the number that stands.

    The number that stands is above `wanted_version()` where a newer version of the package has
    migrated; migrations only add, so this version goes on working.
    """

    applied: tuple[str, ...]
    version: int
    adopted_rows: int


def migration_names() -> list[str]:
    """Return the names of all migrations, in order."""
    return sorted(path.stem for path in _FOLDER.glob("[0-9][0-9][0-9][0-9]_*.sql"))


def wanted_version() -> int:
    """Return the number of the last migration that this version of the package brings."""
    return _number(migration_names()[-1])


def migrate(connection: Connection[Any], settings: DatabaseSettings) -> MigrationReport:
    """Apply what is missing, or raise SchemaError; each migration commits by itself.

    An existing `analytics_snapshots` of the documented shape is adopted with its rows.
    """
    applied = [name for name in migration_names() if _apply(connection, settings, name)]
    row = connection.execute(statement("count_adopted", settings)).fetchone()
    version = applied_version(connection, settings)
    connection.commit()
    return MigrationReport(tuple(applied), version, row[0] if row else 0)


def require_migrated(connection: Connection[Any], settings: DatabaseSettings) -> None:
    """Raise SchemaError where the package's tables are missing or older than this version."""
    version = applied_version(connection, settings)
    wanted = wanted_version()
    if version < wanted:
        raise SchemaError(
            f"The package's tables in schema {settings.analytics_schema} are at version {version}, "
            f"and this version needs {wanted}. Run: analytics-scheduler migrate"
        )


def applied_version(connection: Connection[Any], settings: DatabaseSettings) -> int:
    """Return the number of the last migration that was applied, 0 where none was."""
    table = f'"{settings.analytics_schema.replace(chr(34), chr(34) * 2)}"."{_TABLE}"'
    row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchone()
    if row is None or not row[0]:
        return 0
    row = connection.execute(statement("read_version", settings)).fetchone()
    return int(row[0]) if row else 0


_TABLE = "analytics_snapshot_migrations"


def _migration(name: str) -> str:
    return (_FOLDER / f"{name}.sql").read_text(encoding="utf-8")


def _number(name: str) -> int:
    return int(name.split("_", 1)[0])


def _apply(connection: Connection[Any], settings: DatabaseSettings, name: str) -> bool:
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK_KEY,))
        if applied_version(connection, settings) >= _number(name):
            return False
        _prepare(connection, settings)
        require_documented_shape(connection, settings)
        connection.execute(
            sql.SQL(_migration(name)).format(
                analytics=sql.Identifier(settings.analytics_schema),
                source=sql.Identifier(settings.source_schema),
                location_reference=_location_reference(connection, settings),
            )
        )
        connection.execute(
            statement("record_migration", settings),
            {"number": _number(name), "name": name},
        )
    return True


def _prepare(connection: Connection[Any], settings: DatabaseSettings) -> None:
    """Make the schema and the record of migrations, each only where it is missing.

    `IF NOT EXISTS` alone would ask for the right to create even where there is nothing to do.
    """
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = %s)", (settings.analytics_schema,)
    ).fetchone()
    if row is None or not row[0]:
        connection.execute(statement("create_schema", settings))
    connection.execute(statement("create_migrations", settings))


def _location_reference(connection: Connection[Any], settings: DatabaseSettings) -> sql.Composable:
    row = connection.execute(
        statement("find_locations", settings),
        {"schema": settings.source_schema},
    ).fetchone()
    if row is None:
        raise SchemaError(
            f"There is no relation locations in schema {settings.source_schema}. Create it, or "
            "set SOURCE_SCHEMA to the schema that holds the inventory; "
            "analytics-scheduler check lists everything that is needed."
        )
    if not row[0]:
        return sql.SQL("")
    return sql.SQL("REFERENCES {}.locations (id)").format(sql.Identifier(settings.source_schema))


def require_documented_shape(connection: Connection[Any], settings: DatabaseSettings) -> None:
    """Raise SchemaError where there is a table of snapshots in another shape."""
    rows = connection.execute(
        statement("read_snapshot_shape", settings),
        {"schema": settings.analytics_schema},
    ).fetchall()
    if not rows:
        return
    found = dict(rows)
    wrong = [
        f"{name} is {found.get(name, 'missing')}, {form} is needed"
        for name, form in _DOCUMENTED_SHAPE.items()
        if found.get(name) != form
    ]
    if "without default" in found:
        wrong.append(f"{found['without default']} is NOT NULL and has no default")
    if wrong:
        raise SchemaError(
            f"The table {settings.analytics_schema}.analytics_snapshots exists in another shape: "
            f"{'; '.join(wrong)}. Nothing was changed: alter or rename it, then migrate again."
        )


_DOCUMENTED_SHAPE = {
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
    "unique key": "(location_id, period_type, period_start)",
}
