"""Migrations: fresh, repeated, concurrent, over a former service's table, and interrupted."""

from __future__ import annotations

import re
import shutil
import threading
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from tests.support.database import execute, rows, scratch_database
from tests.support.documented_source import (
    DOCUMENTED_SOURCE,
    FORMER_SNAPSHOTS,
    FORMER_TABLE,
    ONE_SHOP,
    emptied,
    role_of,
    settings_of,
)

from analytics_scheduler import migrations
from analytics_scheduler.cli import main
from analytics_scheduler.database import connected
from analytics_scheduler.errors import DatabaseRefusedError, SchemaError
from analytics_scheduler.migrations import (
    MigrationReport,
    applied_version,
    migrate,
    migration_names,
    require_migrated,
    wanted_version,
)
from analytics_scheduler.queries import SQL_FOLDER, Queries
from analytics_scheduler.snapshots.metrics import METRICS

SCHEMA = SQL_FOLDER / "schema.sql"
FORMER_ROWS = """
    INSERT INTO analytics_snapshots
        (location_id, period_type, period_start, period_end, total_inventory_value, revenue)
    SELECT id, 'daily', DATE '2025-06-01' + n, DATE '2025-06-01' + n, 12.34, 5.00
    FROM locations, generate_series(0, 2) AS n
"""


@pytest.fixture
def url(database_url: str) -> str:
    execute(emptied(database_url), DOCUMENTED_SOURCE, ONE_SHOP)
    return database_url


def migrated(url: str, **schemas: str) -> MigrationReport:
    settings = settings_of(url, **schemas)
    with connected(settings) as connection:
        return migrate(Queries(connection, settings))


def package_tables(url: str, schema: str = "public") -> set[str]:
    return {
        name
        for (name,) in rows(
            url,
            "SELECT tablename FROM pg_tables"
            " WHERE schemaname = %s AND starts_with(tablename, 'analytics_')",
            schema,
        )
    }


def test_a_fresh_database_gets_every_table(url: str) -> None:
    report = migrated(url)
    assert list(report.applied) == migration_names()
    assert (report.version, report.adopted_rows) == (wanted_version(), 0)
    assert {
        "analytics_snapshots",
        "analytics_snapshot_days",
        "analytics_snapshot_revisions",
        "analytics_snapshot_runs",
        "analytics_snapshot_migrations",
    } <= package_tables(url)
    execute(url, FORMER_ROWS)  # they name neither id nor created_at


def test_migration_numbers_have_no_gap() -> None:
    """A migration that is added below the last one would never be applied after it."""
    numbers = [int(name[:4]) for name in migration_names()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_documented_table_has_its_keys(url: str) -> None:
    migrated(url)
    keys = rows(
        url,
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = 'analytics_snapshots'::regclass AND contype IN ('p', 'u', 'f')"
        " ORDER BY contype",
    )
    assert keys == [
        ("FOREIGN KEY (location_id) REFERENCES locations(id)",),
        ("PRIMARY KEY (id)",),
        ("UNIQUE (location_id, period_type, period_start)",),
    ]


def test_a_repeated_migration_changes_nothing(url: str) -> None:
    migrated(url)
    before = rows(url, "SELECT * FROM analytics_snapshot_migrations ORDER BY number")
    assert migrated(url) == MigrationReport((), wanted_version(), 0)
    assert rows(url, "SELECT * FROM analytics_snapshot_migrations ORDER BY number") == before


def test_concurrent_migrators_apply_each_once(url: str) -> None:
    start = threading.Barrier(2)
    applied: list[str] = []
    failures: list[Exception] = []

    def migrator() -> None:
        settings = settings_of(url)
        try:
            with connected(settings) as connection:
                start.wait(timeout=30)
                applied.extend(migrate(Queries(connection, settings)).applied)
        except Exception as error:  # shown by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=migrator) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert failures == []
    assert sorted(applied) == migration_names()


def test_a_former_table_is_adopted_with_its_rows(url: str) -> None:
    execute(url, FORMER_TABLE, FORMER_ROWS)
    before = rows(url, FORMER_SNAPSHOTS)
    assert len(before) == 3
    assert migrated(url).adopted_rows == 3
    assert rows(url, FORMER_SNAPSHOTS) == before
    adopted = rows(url, "SELECT snapshot_id FROM analytics_snapshot_adopted ORDER BY 1")
    assert adopted == [(row[0],) for row in before]


def test_rows_written_later_are_not_adopted(url: str) -> None:
    migrated(url)
    execute(url, FORMER_ROWS)
    assert migrated(url).adopted_rows == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            "ALTER TABLE analytics_snapshots ALTER revenue TYPE numeric(10, 2)",
            r"column revenue is numeric\(10,2\), must be numeric\(12,2\)",
        ),
        (
            "ALTER TABLE analytics_snapshots DROP COLUMN total_items",
            "column total_items is missing, must be integer",
        ),
        (
            "ALTER TABLE analytics_snapshots ALTER created_at TYPE timestamptz",
            "column created_at is timestamp with time zone, must be timestamp without time zone",
        ),
        (
            "ALTER TABLE analytics_snapshots DROP CONSTRAINT"
            " analytics_snapshots_location_id_period_type_period_start_key",
            r"a unique key \(location_id, period_type, period_start\) is missing",
        ),
        (
            "ALTER TABLE analytics_snapshots ALTER id DROP DEFAULT",
            "column id is NOT NULL and has no default",
        ),
        (
            "ALTER TABLE analytics_snapshots ADD COLUMN shift integer NOT NULL DEFAULT 1;"
            " ALTER TABLE analytics_snapshots ALTER COLUMN shift DROP DEFAULT",
            "column shift is NOT NULL and has no default",
        ),
    ],
)
def test_a_table_of_another_shape_is_refused(url: str, change: str, message: str) -> None:
    execute(url, FORMER_TABLE, FORMER_ROWS, change)
    with pytest.raises(SchemaError, match=message) as refusal:
        migrated(url)
    assert "public.analytics_snapshots has another shape" in str(refusal.value)
    assert "Alter or rename the table" in str(refusal.value)
    assert package_tables(url) == {"analytics_snapshots"}
    assert rows(url, "SELECT count(*) FROM analytics_snapshots") == [(3,)]


def test_a_view_of_locations_gets_no_foreign_key(url: str) -> None:
    execute(
        url,
        "ALTER TABLE locations RENAME TO shops",
        "CREATE VIEW locations AS SELECT * FROM shops",
    )
    migrated(url)
    assert rows(
        url,
        "SELECT count(*) FROM pg_constraint"
        " WHERE conrelid = 'analytics_snapshots'::regclass AND contype = 'f'",
    ) == [(0,)]


def test_locations_without_a_key_get_no_foreign_key(url: str) -> None:
    execute(url, "ALTER TABLE locations DROP CONSTRAINT locations_pkey")
    migrated(url)
    assert "analytics_snapshots" in package_tables(url)


def test_missing_locations_are_named(url: str) -> None:
    execute(url, "DROP TABLE locations")
    with pytest.raises(SchemaError, match=r"no table or view public\.locations"):
        migrated(url)
    assert package_tables(url) == set()


def test_the_tables_can_have_their_own_schema(url: str) -> None:
    migrated(url, ANALYTICS_SCHEMA='the "figures"')
    assert package_tables(url) == set()
    assert "analytics_snapshots" in package_tables(url, 'the "figures"')
    assert migrated(url, ANALYTICS_SCHEMA='the "figures"').applied == ()


def test_a_failed_migration_leaves_nothing_of_itself(
    url: str,
) -> None:
    """Another table of the same name makes the second migration fail half-way."""
    execute(url, "CREATE TABLE analytics_snapshot_runs (unrelated integer)")
    with pytest.raises(DatabaseRefusedError, match=r"analytics_snapshot_runs.*already exists"):
        migrated(url)
    settings = settings_of(url)
    with connected(settings) as connection:
        assert applied_version(Queries(connection, settings)) == 1
    assert package_tables(url) == {
        "analytics_snapshots",
        "analytics_snapshot_migrations",
        "analytics_snapshot_runs",
    }
    execute(url, "DROP TABLE analytics_snapshot_runs")
    assert list(migrated(url).applied) == migration_names()[1:]


def test_a_run_needs_the_wanted_version(url: str) -> None:
    settings = settings_of(url)
    with connected(settings) as connection:
        queries = Queries(connection, settings)
        with pytest.raises(SchemaError, match=r"at version 0.*Run: analytics-scheduler migrate"):
            require_migrated(queries)
        migrate(queries)
        require_migrated(queries)


def test_an_older_version_works_with_newer_tables(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A newer version may add tables, and columns that are nullable or have a default."""
    migrated(url)
    newer = wanted_version() + 1
    execute(
        url,
        f"INSERT INTO analytics_snapshot_migrations VALUES ({newer}, '{newer:04}_of_tomorrow')",
        "CREATE TABLE analytics_snapshot_tomorrow (n integer)",
        "ALTER TABLE analytics_snapshots ADD note text",
        "ALTER TABLE analytics_snapshot_days ADD weight integer NOT NULL DEFAULT 1",
        "ALTER TABLE analytics_snapshot_revisions ADD note text",
        "ALTER TABLE analytics_snapshot_runs ADD note text",
    )
    monkeypatch.setenv("DATABASE_URL", url)
    for arguments in (
        ["check"],
        ["run", "daily", "--date", "2026-03-10"],
        ["run", "weekly", "--date", "2026-03-10"],
        ["verify"],
        ["prune"],
        ["health"],
    ):
        assert main(arguments) == 0, arguments
    capsys.readouterr()

    assert main(["migrate"]) == 0
    text = capsys.readouterr().out
    assert f"Schema public is at version {newer}." in text
    assert f"This version needs {wanted_version()}, and works with it." in text


def test_repeating_needs_no_privilege_to_create(url: str) -> None:
    migrated(url)
    with role_of(url) as (role, role_url):
        execute(
            url,
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
        )
        assert migrated(role_url).applied == ()


def test_the_owner_of_a_schema_can_migrate(url: str) -> None:
    with role_of(url) as (role, role_url):
        execute(
            url,
            f"GRANT REFERENCES ON locations TO {role}",
            f"CREATE SCHEMA figures AUTHORIZATION {role}",
        )
        report = migrated(role_url, ANALYTICS_SCHEMA="figures")
        assert list(report.applied) == migration_names()


def test_the_command_reports_what_it_applied(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    execute(url, FORMER_TABLE, FORMER_ROWS)
    assert main(["migrate"]) == 0
    text = capsys.readouterr().out
    assert "applied 0001_create_snapshots\n" in text
    assert f"Schema public is at version {wanted_version()}, 3 earlier rows kept." in text


def test_the_names_come_from_the_files() -> None:
    assert migration_names()[0] == "0001_create_snapshots"
    assert (migrations.MIGRATIONS / f"{migration_names()[-1]}.sql").is_file()


CATALOG = {
    "columns": """
        SELECT c.relname, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
            a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid)
        FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid
        LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
        ORDER BY c.relname, a.attnum
    """,
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2
    """,
    "indexes": "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexdef",
    "comments": """
        SELECT c.relname, d.objsubid, d.description
        FROM pg_description AS d JOIN pg_class AS c ON c.oid = d.objoid
        WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1, 2
    """,
    "other objects": """
        SELECT relkind, relname FROM pg_class
        WHERE relnamespace = 'public'::regnamespace ORDER BY 1, 2
    """,
}


def test_the_schema_is_what_the_migrations_create(url: str, postgres_server: str) -> None:
    """`schema.sql` is for reading, so it must be true."""
    migrated(url)
    with scratch_database(postgres_server) as read:
        execute(read, DOCUMENTED_SOURCE, SCHEMA.read_text())
        for kind, query in CATALOG.items():
            assert rows(read, query) == rows(url, query), kind


def test_the_schema_explains_every_column() -> None:
    lines = SCHEMA.read_text().splitlines()
    columns = [pair for pair in pairwise(lines) if re.match(r"    [a-z_]+ [A-Z]", pair[1])]
    assert len(columns) > 70
    assert [
        line for before, line in columns if "--" not in line and not before.startswith("    --")
    ] == []


@pytest.mark.parametrize("is_upgrade", [False, True])
@pytest.mark.parametrize("is_adopted", [False, True])
def test_a_later_migration_adds_a_figure(
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_adopted: bool,
    is_upgrade: bool,
) -> None:
    """To the package's own table and to a former service's, at once or when it is upgraded."""
    if is_adopted:
        execute(url, FORMER_TABLE, FORMER_ROWS)
    if is_upgrade:
        migrated(url)
    before = rows(url, FORMER_SNAPSHOTS) if is_adopted else []

    folder = shutil.copytree(migrations.MIGRATIONS, tmp_path / "migrations")
    added = f"{wanted_version() + 1:04}_add_gross_margin"
    (folder / f"{added}.sql").write_text(
        "ALTER TABLE {analytics}.analytics_snapshots ADD COLUMN gross_margin DECIMAL(12, 2);"
    )
    monkeypatch.setattr(migrations, "MIGRATIONS", folder)
    report = migrated(url)

    assert report.applied[-1] == added
    assert len(report.applied) == (1 if is_upgrade else wanted_version())
    assert report.adopted_rows == len(before)
    execute(url, "UPDATE analytics_snapshots SET gross_margin = 1.5")
    assert rows(url, FORMER_SNAPSHOTS) == before
    margins = rows(url, "SELECT gross_margin FROM analytics_snapshots")
    assert margins == [(Decimal("1.50"),)] * len(before)


@pytest.mark.parametrize("is_adopted", [False, True])
def test_the_columns_of_the_figures_are_declared(url: str, *, is_adopted: bool) -> None:
    """A figure of metrics.py has a column of its type, whoever created the table."""
    if is_adopted:
        execute(url, FORMER_TABLE)
    migrated(url)
    types = dict(
        rows(
            url,
            "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = 'analytics_snapshots'::regclass AND attnum > 0",
        )
    )
    assert {metric.name: types.get(metric.name) for metric in METRICS} == {
        metric.name: metric.sql_type for metric in METRICS
    }
