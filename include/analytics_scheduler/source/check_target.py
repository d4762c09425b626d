"""Prove that the package's own tables can be made and written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from psycopg.rows import class_row

from analytics_scheduler.database import statement
from analytics_scheduler.errors import SchemaError
from analytics_scheduler.migrations import (
    applied_version,
    require_documented_shape,
    wanted_version,
)
from analytics_scheduler.source.catalog import Source
from analytics_scheduler.source.findings import Finding, error, note, quoted, warning

_UNMADE = "The migrations cannot make the package's tables."


@dataclass(frozen=True, slots=True)
class Target:
    """What the catalog says of the schema of the package's own tables."""

    schema_exists: bool
    schema_usable: bool
    can_create_tables: bool
    can_create_schema: bool
    can_make_temporary_tables: bool
    has_snapshots: bool
    owns_snapshots: bool
    database_name: str


def target_findings(source: Source) -> Iterator[Finding]:
    """Give a finding for all that keeps the migrations or the runs from writing."""
    schema = source.settings.analytics_schema
    target = _read_target(source)
    if not target.can_make_temporary_tables:
        yield error(
            f"The user {source.user} may not make temporary tables in {target.database_name}.",
            "Every run would stop here.",
            f"GRANT TEMPORARY ON DATABASE {quoted(target.database_name)} TO {quoted(source.user)};",
        )
    if not target.schema_exists:
        yield from _missing_schema(source, target)
        return
    if not target.schema_usable:
        yield error(
            f"The user {source.user} may not use the schema {schema}.",
            "The package's tables cannot be reached.",
            f"GRANT USAGE, CREATE ON SCHEMA {quoted(schema)} TO {quoted(source.user)};",
        )
        return
    refused = list(_refused_tables(source))
    yield from refused
    if not refused:
        yield from _missing_migrations(source, target)


def _read_target(source: Source) -> Target:
    with source.connection.cursor(row_factory=class_row(Target)) as cursor:
        target = cursor.execute(
            statement("read_target", source.settings),
            {"schema": source.settings.analytics_schema},
        ).fetchone()
    if target is None:  # The statement gives one row whatever there is.
        raise SchemaError("The catalog could not be read. Run analytics-scheduler check again.")
    return target


def _missing_schema(source: Source, target: Target) -> Iterator[Finding]:
    schema = source.settings.analytics_schema
    if target.can_create_schema:
        yield warning(
            f"There is no schema {schema} yet, the analytics schema.",
            "Runs need the package's tables; the migrations make the schema too.",
            "analytics-scheduler migrate",
        )
        return
    yield error(
        f"There is no schema {schema}, the analytics schema, and the user {source.user} may not "
        "make it.",
        _UNMADE,
        f"CREATE SCHEMA {quoted(schema)} AUTHORIZATION {quoted(source.user)};",
    )


def _refused_tables(source: Source) -> Iterator[Finding]:
    schema = source.settings.analytics_schema
    rows = source.connection.execute(
        statement("read_missing_privileges", source.settings), {"schema": schema}
    ).fetchall()
    for table, missing in rows:
        words = ", ".join(missing)
        yield error(
            f"The user {source.user} lacks {words} on {schema}.{table}.",
            "Every run would stop here.",
            f"GRANT {words} ON {quoted(schema, table)} TO {quoted(source.user)};",
        )


def _missing_migrations(source: Source, target: Target) -> Iterator[Finding]:
    schema = source.settings.analytics_schema
    version, wanted = applied_version(source.connection, source.settings), wanted_version()
    if version >= wanted:
        return
    try:
        require_documented_shape(source.connection, source.settings)
    except SchemaError as problem:
        yield error(str(problem), _UNMADE, "analytics-scheduler migrate  # afterwards")
    if not target.can_create_tables:
        yield error(
            f"The user {source.user} may not CREATE in the schema {schema}.",
            _UNMADE,
            f"GRANT CREATE ON SCHEMA {quoted(schema)} TO {quoted(source.user)};",
        )
    if not target.has_snapshots:
        yield from _foreign_key(source)
    elif not target.owns_snapshots:
        yield error(
            f"The table {schema}.analytics_snapshots does not belong to the user {source.user}.",
            "The migrations cannot make its index.",
            f"ALTER TABLE {quoted(schema, 'analytics_snapshots')} OWNER TO {quoted(source.user)};",
        )
    yield warning(
        f"The package's tables in the schema {schema} are at version {version}, and this version "
        f"needs {wanted}.",
        "Runs need the tables of this version.",
        "analytics-scheduler migrate",
    )


def _foreign_key(source: Source) -> Iterator[Finding]:
    """Give a finding where the foreign key of the snapshots cannot be made, or is left out."""
    locations = source.relations.get("locations")
    parameters = {"schema": source.settings.source_schema}
    row = source.connection.execute(
        statement("find_locations", source.settings), parameters
    ).fetchone()
    if locations is None or row is None:
        return
    name = source.name("locations")
    if not locations.is_table:
        yield note(
            f"{name} is a {locations.kind}: analytics_snapshots gets no foreign key.",
            "A foreign key can point only at a table; the figures are the same without.",
        )
    elif not row[0]:
        yield note(
            f"Nothing keeps {name} (id) unique: analytics_snapshots gets no foreign key.",
            "The figures are the same without; snapshots of deleted locations stay.",
            f"ALTER TABLE {quoted(parameters['schema'], 'locations')} ADD PRIMARY KEY (id);  "
            "-- before the first migrate",
        )
    else:
        yield from _missing_reference_privilege(source, name)


def _missing_reference_privilege(source: Source, name: str) -> Iterator[Finding]:
    schema = source.settings.source_schema
    row = source.connection.execute(
        statement("read_reference_privilege", source.settings), {"schema": schema}
    ).fetchone()
    if row is not None and not row[0]:
        yield error(
            f"The user {source.user} may not make a foreign key to {name}.",
            _UNMADE,
            f"GRANT REFERENCES (id) ON {quoted(schema, 'locations')} TO {quoted(source.user)};",
        )
