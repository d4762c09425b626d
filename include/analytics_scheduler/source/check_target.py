"""Check that the package's own tables, the target of every run, can be created and written.

It stands among the checks of the source because they share a user, and because `locations` decides
whether the table of snapshots gets its foreign key.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from psycopg.rows import class_row

from analytics_scheduler.errors import SchemaError
from analytics_scheduler.migrations import (
    applied_version,
    locations_can_be_referenced,
    require_adoptable,
    wanted_version,
)
from analytics_scheduler.queries import Queries
from analytics_scheduler.source.checked_source import CheckedSource
from analytics_scheduler.source.findings import Finding, error, note, sql_name, warning

_MIGRATE = "analytics-scheduler migrate"
_CANNOT_MIGRATE = "The migrations cannot create the package's tables."


@dataclass(frozen=True, slots=True)
class Target:
    """What the catalog says of the schema of the package's tables."""

    schema_exists: bool
    schema_usable: bool
    can_create_tables: bool
    can_create_schema: bool
    can_create_temporary_tables: bool
    has_snapshots: bool
    owns_snapshots: bool
    database_name: str


def check_target(source: CheckedSource) -> Iterator[Finding]:
    """Yield a finding for everything that keeps migrations or runs from writing."""
    target, user = _read_target(source.queries), source.user
    schema = source.queries.settings.analytics_schema
    if not target.can_create_temporary_tables:
        yield error(
            f"User {user} may not create temporary tables in database {target.database_name}.",
            "Every run would fail.",
            f"GRANT TEMPORARY ON DATABASE {sql_name(target.database_name)} TO {sql_name(user)};",
        )
    if not target.schema_exists:
        yield _missing_schema(schema, user, can_create=target.can_create_schema)
    elif not target.schema_usable:
        yield error(
            f"User {user} has no USAGE privilege on schema {schema}.",
            "The package's tables cannot be reached.",
            f"GRANT USAGE, CREATE ON SCHEMA {sql_name(schema)} TO {sql_name(user)};",
        )
    else:
        missing_privileges = list(_missing_privileges(source, schema))
        yield from missing_privileges or _missing_migrations(source, target, schema)


def _read_target(queries: Queries) -> Target:
    rows: list[Target] = queries.run(
        "read_target", row_factory=class_row(Target), schema=queries.settings.analytics_schema
    ).fetchall()
    return rows[0]


def _missing_schema(schema: str, user: str, *, can_create: bool) -> Finding:
    if can_create:
        return warning(
            f"The analytics schema {schema} does not exist yet.",
            "Runs need the package's tables; the migrations create the schema, too.",
            _MIGRATE,
        )
    return error(
        f"The analytics schema {schema} does not exist, and user {user} may not create it.",
        _CANNOT_MIGRATE,
        f"CREATE SCHEMA {sql_name(schema)} AUTHORIZATION {sql_name(user)};",
    )


def _missing_privileges(source: CheckedSource, schema: str) -> Iterator[Finding]:
    for table, missing in source.queries.run("read_missing_privileges", schema=schema):
        privileges = ", ".join(missing)
        yield error(
            f"User {source.user} lacks {privileges} on {schema}.{table}.",
            "Every run would fail.",
            f"GRANT {privileges} ON {sql_name(schema, table)} TO {sql_name(source.user)};",
        )


def _missing_migrations(source: CheckedSource, target: Target, schema: str) -> Iterator[Finding]:
    version, wanted = applied_version(source.queries), wanted_version()
    if version >= wanted:
        return
    try:
        require_adoptable(source.queries)
    except SchemaError as problem:
        yield error(str(problem), _CANNOT_MIGRATE, f"{_MIGRATE}  # afterwards")
    if not target.can_create_tables:
        yield error(
            f"User {source.user} has no CREATE privilege on schema {schema}.",
            _CANNOT_MIGRATE,
            f"GRANT CREATE ON SCHEMA {sql_name(schema)} TO {sql_name(source.user)};",
        )
    if not target.has_snapshots:
        yield from _foreign_key(source)
    elif not target.owns_snapshots:
        table = f"{schema}.analytics_snapshots"
        yield error(
            f"User {source.user} does not own the table {table}.",
            "The migrations cannot create its index.",
            f"ALTER TABLE {sql_name(schema, 'analytics_snapshots')} "
            f"OWNER TO {sql_name(source.user)};",
        )
    yield warning(
        f"The package's tables in schema {schema} are at version {version}; this version of the "
        f"package needs {wanted}.",
        "Runs need the tables of this version.",
        _MIGRATE,
    )


def _foreign_key(source: CheckedSource) -> Iterator[Finding]:
    """Yield a finding if the snapshots get no foreign key, or the user may not create it."""
    locations = source.relations.get("locations")
    if locations is None:
        return
    name, table = source.name("locations"), sql_name(source.schema, "locations")
    if not locations.is_table:
        yield note(
            f"{name} is a {locations.kind}, so analytics_snapshots gets no foreign key.",
            "A foreign key can only reference a table; the figures are the same without it.",
        )
    elif not locations_can_be_referenced(source.queries):
        yield note(
            f"No key makes {name} (id) unique, so analytics_snapshots gets no foreign key.",
            "The figures are the same without it; snapshots of deleted locations stay.",
            f"ALTER TABLE {table} ADD PRIMARY KEY (id);  -- before the first migrate",
        )
    elif source.queries.value("may_reference_locations", schema=source.schema) is False:
        yield error(
            f"User {source.user} may not create a foreign key to {name}.",
            _CANNOT_MIGRATE,
            f"GRANT REFERENCES (id) ON {table} TO {sql_name(source.user)};",
        )
