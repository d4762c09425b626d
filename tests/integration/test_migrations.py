"""The migrations: fresh, repeated, at once, over an old table, and failing in the middle."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.support.documented_source import (
    DOCUMENTED_SOURCE,
    ONE_SHOP,
    emptied,
    execute,
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

OLD_TABLE = """
    CREATE TABLE analytics_snapshots (
        id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
        location_id UUID NOT NULL REFERENCES locations(id),
        period_type VARCHAR(20) NOT NULL,
        period_start DATE NOT NULL,
        period_end DATE NOT NULL,
        total_inventory_value DECIMAL(12,2),
        total_items INTEGER,
        turnover_ratio DECIMAL(8,2),
        wastage_value DECIMAL(12,2),
        wastage_percentage DECIMAL(5,2),
        revenue DECIMAL(12,2),
        cost_of_goods_sold DECIMAL(12,2),
        created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
        UNIQUE(location_id, period_type, period_start)
    )
"""
OLD_ROWS = """
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
        return migrate(connection, settings)


def rows_of(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()


def package_tables(url: str, schema: str = "public") -> set[str]:
    return {
        name
        for (name,) in rows_of(
            url,
            f"SELECT tablename FROM pg_tables WHERE schemaname = '{schema}'"
            " AND tablename LIKE 'analytics\\_%'",
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
    execute(url, OLD_ROWS)  # the documented table takes a row that names neither id nor created_at


def test_the_numbers_of_the_migrations_have_no_gap() -> None:
    """One that is added below the last would never be applied where the last has been."""
    numbers = [int(name[:4]) for name in migration_names()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_documented_table_has_its_keys(url: str) -> None:
    migrated(url)
    keys = rows_of(
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
    before = rows_of(url, "SELECT * FROM analytics_snapshot_migrations ORDER BY number")
    assert migrated(url) == MigrationReport((), wanted_version(), 0)
    assert rows_of(url, "SELECT * FROM analytics_snapshot_migrations ORDER BY number") == before


def test_two_migrators_at_once_apply_each_migration_once(url: str) -> None:
    start = threading.Barrier(2)
    applied: list[str] = []
    failures: list[Exception] = []

    def migrator() -> None:
        settings = settings_of(url)
        try:
            with connected(settings) as connection:
                start.wait(timeout=30)
                applied.extend(migrate(connection, settings).applied)
        except Exception as error:  # shown by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=migrator) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert failures == []
    assert sorted(applied) == migration_names()


def test_an_old_table_is_adopted_with_its_rows(url: str) -> None:
    execute(url, OLD_TABLE, OLD_ROWS)
    before = rows_of(url, "SELECT * FROM analytics_snapshots ORDER BY id")
    assert len(before) == 3
    assert migrated(url).adopted_rows == 3
    assert rows_of(url, "SELECT * FROM analytics_snapshots ORDER BY id") == before
    adopted = rows_of(url, "SELECT snapshot_id FROM analytics_snapshot_adopted ORDER BY 1")
    assert adopted == [(row[0],) for row in before]


def test_rows_written_later_are_not_taken_for_old_ones(url: str) -> None:
    migrated(url)
    execute(url, OLD_ROWS)
    assert migrated(url).adopted_rows == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            "ALTER TABLE analytics_snapshots ALTER revenue TYPE numeric(10, 2)",
            r"revenue is numeric\(10,2\), numeric\(12,2\) is needed",
        ),
        (
            "ALTER TABLE analytics_snapshots DROP COLUMN total_items",
            "total_items is missing, integer is needed",
        ),
        (
            "ALTER TABLE analytics_snapshots ALTER created_at TYPE timestamptz",
            "created_at is timestamp with time zone, timestamp without time zone is needed",
        ),
        (
            "ALTER TABLE analytics_snapshots DROP CONSTRAINT"
            " analytics_snapshots_location_id_period_type_period_start_key",
            r"unique key is missing, \(location_id, period_type, period_start\) is needed",
        ),
        (
            "ALTER TABLE analytics_snapshots ALTER id DROP DEFAULT",
            "id is NOT NULL and has no default",
        ),
        (
            "ALTER TABLE analytics_snapshots ADD COLUMN shift integer NOT NULL DEFAULT 1;"
            " ALTER TABLE analytics_snapshots ALTER COLUMN shift DROP DEFAULT",
            "shift is NOT NULL and has no default",
        ),
    ],
)
def test_an_old_table_of_another_shape_is_refused_by_name(
    url: str, change: str, words: str
) -> None:
    execute(url, OLD_TABLE, OLD_ROWS, change)
    with pytest.raises(SchemaError, match=words) as refusal:
        migrated(url)
    assert "public.analytics_snapshots exists in another shape" in str(refusal.value)
    assert "alter or rename it, then migrate again" in str(refusal.value)
    assert package_tables(url) == {"analytics_snapshots"}
    assert rows_of(url, "SELECT count(*) FROM analytics_snapshots") == [(3,)]


def test_a_view_of_locations_gets_no_foreign_key(url: str) -> None:
    execute(
        url,
        "ALTER TABLE locations RENAME TO shops",
        "CREATE VIEW locations AS SELECT * FROM shops",
    )
    migrated(url)
    assert rows_of(
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
    with pytest.raises(SchemaError, match="no relation locations in schema public"):
        migrated(url)
    assert package_tables(url) == set()


def test_the_tables_can_lie_in_a_schema_of_their_own(url: str) -> None:
    migrated(url, ANALYTICS_SCHEMA='the "figures"')
    assert package_tables(url) == set()
    assert "analytics_snapshots" in package_tables(url, 'the "figures"')
    assert migrated(url, ANALYTICS_SCHEMA='the "figures"').applied == ()


def test_a_failed_migration_leaves_nothing_of_itself(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relation that stands in the way makes the second migration fail half way."""
    execute(url, "CREATE TABLE analytics_snapshot_runs (unrelated integer)")
    with pytest.raises(DatabaseRefusedError, match=r"analytics_snapshot_runs.*already exists"):
        migrated(url)
    settings = settings_of(url)
    with connected(settings) as connection:
        assert applied_version(connection, settings) == 1
    assert package_tables(url) == {
        "analytics_snapshots",
        "analytics_snapshot_migrations",
        "analytics_snapshot_runs",
    }
    execute(url, "DROP TABLE analytics_snapshot_runs")
    assert list(migrated(url).applied) == migration_names()[1:]


def test_old_tables_are_refused_until_they_are_migrated(url: str) -> None:
    settings = settings_of(url)
    with connected(settings) as connection:
        with pytest.raises(SchemaError, match=r"at version 0.*Run: analytics-scheduler migrate"):
            require_migrated(connection, settings)
        migrate(connection, settings)
        require_migrated(connection, settings)


def test_an_older_version_works_with_the_tables_of_a_newer_one(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a newer version may add: a table, columns that may be empty or have a default."""
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
    for words in (
        ["check"],
        ["run", "daily", "--date", "2026-03-10"],
        ["run", "weekly", "--date", "2026-03-10"],
        ["verify"],
        ["prune"],
        ["health"],
    ):
        assert main(words) == 0, words
    capsys.readouterr()

    assert main(["migrate"]) == 0
    text = capsys.readouterr().out
    assert f"Schema public is at version {newer}." in text
    assert f"this one needs {wanted_version()}, and works with it." in text


def test_a_user_without_the_right_to_create_can_repeat_the_migration(url: str) -> None:
    migrated(url)
    with role_of(url) as (role, role_url):
        execute(
            url,
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
        )
        assert migrated(role_url).applied == ()


def test_the_owner_of_a_schema_needs_no_right_on_the_database(url: str) -> None:
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
    execute(url, OLD_TABLE, OLD_ROWS)
    assert main(["migrate"]) == 0
    text = capsys.readouterr().out
    assert "applied 0001_create_snapshots\n" in text
    assert f"Schema public is at version {wanted_version()}, 3 earlier rows kept." in text


def test_the_names_come_from_the_files() -> None:
    assert migration_names()[0] == "0001_create_snapshots"
    assert (
        Path(migrations.__file__)
        .parent.joinpath("sql", "migrations", f"{migration_names()[-1]}.sql")
        .is_file()
    )
