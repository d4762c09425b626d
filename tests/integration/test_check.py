"""The checks of the source: what they find, and that the fix of a finding works."""

from __future__ import annotations

import json
from collections.abc import Iterator
from uuid import uuid4

import pytest
from psycopg import sql
from tests.support.database import execute, rows
from tests.support.documented_source import (
    DOCUMENTED_SOURCE,
    ONE_SHOP,
    emptied,
    role_of,
    settings_of,
)

from analytics_scheduler.cli import main
from analytics_scheduler.database import connected
from analytics_scheduler.errors import SchemaError
from analytics_scheduler.migrations import migrate
from analytics_scheduler.queries import Queries
from analytics_scheduler.settings import DatabaseSettings
from analytics_scheduler.source import (
    Finding,
    SourceShape,
    check_source,
    read_source_shape,
)
from analytics_scheduler.vocabulary import CheckLevel


@pytest.fixture
def url(database_url: str) -> str:
    """A database with the documented source, one shop, and the migrations applied."""
    execute(emptied(database_url), DOCUMENTED_SOURCE, ONE_SHOP)
    migrate_at(settings_of(database_url))
    return database_url


@pytest.fixture
def unmigrated_url(database_url: str) -> str:
    execute(emptied(database_url), DOCUMENTED_SOURCE, ONE_SHOP)
    return database_url


@pytest.fixture
def reader(url: str) -> Iterator[tuple[str, str]]:
    """A role without any privilege, and the URL that it connects with."""
    with role_of(url) as (role, role_url):
        yield role, role_url


def migrate_at(settings: DatabaseSettings) -> None:
    with connected(settings) as connection:
        migrate(Queries(connection, settings))


def findings_of(
    url: str, *, settings: DatabaseSettings | None = None, seconds_per_check: int = 10
) -> list[Finding]:
    chosen = settings or settings_of(url)
    with connected(chosen) as connection:
        connection.read_only = True  # a check changes nothing
        return check_source(Queries(connection, chosen), seconds_per_check=seconds_per_check)


def finding_about(text: str, findings: list[Finding]) -> Finding:
    found = [finding for finding in findings if text in finding.what]
    assert len(found) == 1, [finding.what for finding in findings]
    return found[0]


def shape_of(url: str) -> SourceShape:
    settings = settings_of(url)
    with connected(settings) as connection:
        return read_source_shape(Queries(connection, settings))


def test_a_documented_source_has_no_findings(url: str) -> None:
    assert findings_of(url) == []


def test_an_empty_database_lacks_four_relations(database_url: str) -> None:
    findings = findings_of(emptied(database_url))
    errors = [finding.what for finding in findings if finding.level is CheckLevel.ERROR]
    assert errors == [
        "There is no table or view public.locations.",
        "There is no table or view public.products.",
        "There is no table or view public.inventory_items.",
        "There is no table or view public.stock_movements.",
    ]
    assert finding_about("public.locations", findings).run == (
        "Set SOURCE_SCHEMA to the schema that contains it, or create a view of a table of yours: "
        'CREATE VIEW "public"."locations" AS SELECT ...::uuid AS "id", ...::text AS "name", '
        '...::boolean AS "is_active" FROM ...;'
    )


def test_a_missing_schema_is_one_finding(url: str) -> None:
    findings = findings_of(url, settings=settings_of(url, SOURCE_SCHEMA='shop "two"'))
    assert [finding.what for finding in findings if finding.level is CheckLevel.ERROR] == [
        'The source schema shop "two" does not exist.'
    ]


@pytest.mark.parametrize(
    ("relation", "column", "needed"),
    [
        ("locations", "id", "uuid"),
        ("locations", "name", "text or varchar"),
        ("locations", "is_active", "boolean"),
        ("products", "id", "uuid"),
        ("products", "cost", "numeric(10,2)"),
        ("products", "price", "numeric(10,2)"),
        ("inventory_items", "product_id", "uuid"),
        ("inventory_items", "location_id", "uuid"),
        ("inventory_items", "quantity", "integer or numeric(12,3)"),
        ("stock_movements", "product_id", "uuid"),
        ("stock_movements", "location_id", "uuid"),
        ("stock_movements", "quantity", "integer or numeric(12,3)"),
        ("stock_movements", "type", "text, varchar or an enum"),
        ("stock_movements", "created_at", "timestamp (in UTC) or timestamptz"),
    ],
)
def test_a_missing_column_fails_check_and_run(
    url: str, relation: str, column: str, needed: str
) -> None:
    execute(url, f"ALTER TABLE {relation} DROP COLUMN {column} CASCADE")
    what = f"There is no column public.{relation}.{column}; the source contract requires {needed}."
    finding = finding_about(what, findings_of(url))
    assert (finding.level, finding.why) == (CheckLevel.ERROR, "Every run would fail.")
    with pytest.raises(SchemaError) as refusal:
        shape_of(url)
    assert str(refusal.value) == (
        f"{what} Run: analytics-scheduler check. It lists every problem of the source and how to "
        "fix it."
    )


@pytest.mark.parametrize(
    ("relation", "column"),
    [
        ("products", "name"),
        ("products", "sku"),
        ("products", "category"),
        ("inventory_items", "last_updated"),
        ("stock_movements", "reason"),
    ],
)
def test_a_missing_descriptive_column_fails_no_run(url: str, relation: str, column: str) -> None:
    execute(url, f"ALTER TABLE {relation} DROP COLUMN {column}")
    finding = finding_about(f"no column public.{relation}.{column}", findings_of(url))
    assert finding.why == "The contract includes it, but no figure depends on it."
    shape_of(url)


@pytest.mark.parametrize(
    ("relation", "column", "type_name", "shown"),
    [
        ("locations", "id", "text", "text"),
        ("locations", "is_active", "integer", "integer"),
        ("locations", "name", "bytea", "bytea"),
        ("products", "cost", "double precision", "double precision"),
        ("products", "price", "money", "money"),
        ("products", "price", "integer", "integer"),
        ("inventory_items", "quantity", "double precision", "double precision"),
        ("stock_movements", "location_id", "varchar(36)", "character varying(36)"),
        ("stock_movements", "type", "integer", "integer"),
        ("stock_movements", "created_at", "date", "date"),
        ("stock_movements", "created_at", "text", "text"),
    ],
)
def test_a_wrong_type_fails_check_and_run(
    url: str, relation: str, column: str, type_name: str, shown: str
) -> None:
    _give_type(url, relation, column, type_name)
    what = f"public.{relation}.{column} is {shown}; the source contract requires"
    finding = finding_about(what, findings_of(url))
    assert finding.level is CheckLevel.ERROR
    assert f'ALTER TABLE "public"."{relation}" ALTER COLUMN "{column}" TYPE' in finding.run
    with pytest.raises(SchemaError, match="Run: analytics-scheduler check"):
        shape_of(url)


@pytest.mark.parametrize(
    ("relation", "column", "type_name"),
    [
        ("locations", "name", "text"),
        ("locations", "name", "char(20)"),
        ("locations", "name", "shop_text"),
        ("inventory_items", "quantity", "smallint"),
        ("inventory_items", "quantity", "bigint"),
        ("inventory_items", "quantity", "numeric(12, 3)"),
        ("stock_movements", "quantity", "numeric(10, 2)"),
        ("products", "price", "numeric(12, 4)"),
        ("stock_movements", "quantity", "bigint"),
        ("stock_movements", "type", "movement_type"),
        ("products", "cost", "numeric(12, 1)"),
        ("products", "cost", "shop_price"),
    ],
)
def test_a_type_that_can_hold_the_values_is_accepted(
    url: str, relation: str, column: str, type_name: str
) -> None:
    execute(
        url,
        "CREATE TYPE movement_type AS ENUM ('in', 'out', 'waste', 'adjustment')",
        "CREATE DOMAIN shop_text AS varchar(80) CHECK (VALUE <> '')",
        "CREATE DOMAIN shop_amount AS numeric(10, 2)",
        "CREATE DOMAIN shop_price AS shop_amount CHECK (VALUE >= 0)",
    )
    _give_type(url, relation, column, type_name)
    assert findings_of(url) == []
    shape_of(url)


@pytest.mark.parametrize(
    ("relation", "column", "type_name", "decimals"),
    [
        ("products", "cost", "numeric", "four"),
        ("products", "price", "numeric(12, 5)", "four"),
        ("stock_movements", "quantity", "numeric(12, 4)", "three"),
        ("inventory_items", "quantity", "numeric", "three"),
    ],
)
def test_a_type_that_allows_more_decimals_is_noted(
    url: str, relation: str, column: str, type_name: str, decimals: str
) -> None:
    _give_type(url, relation, column, type_name)
    (finding,) = findings_of(url)
    assert finding.level is CheckLevel.NOTE
    assert finding.what.startswith(f"public.{relation}.{column} is numeric")
    assert f"more than {decimals} decimals" in finding.what
    shape_of(url)


def test_the_shape_says_what_a_run_must_know(url: str) -> None:
    assert shape_of(url) == SourceShape(
        created_at_is_timestamptz=False, has_fractional_quantities=False
    )
    _give_type(url, "stock_movements", "created_at", "timestamptz")
    _give_type(url, "inventory_items", "quantity", "numeric(12, 3)")
    assert shape_of(url) == SourceShape(
        created_at_is_timestamptz=True, has_fractional_quantities=True
    )
    assert findings_of(url) == []


def test_a_run_names_the_first_three_problems(database_url: str) -> None:
    with pytest.raises(SchemaError) as refusal:
        shape_of(emptied(database_url))
    assert "public.inventory_items" in str(refusal.value)
    assert "And 1 more." in str(refusal.value)


@pytest.mark.parametrize(
    ("harm", "what"),
    [
        ("DROP INDEX stock_movements_created_at_idx", "starts with (created_at)"),
        (
            "DROP INDEX stock_movements_location_id_created_at_idx",
            "starts with (location_id, created_at)",
        ),
        (
            "ALTER TABLE products DROP CONSTRAINT products_pkey",
            "public.products (id) has no duplicates, but no unique index prevents them.",
        ),
        (
            "ALTER TABLE inventory_items"
            " DROP CONSTRAINT inventory_items_product_id_location_id_key",
            "public.inventory_items (product_id, location_id) has no duplicates",
        ),
        (
            "ALTER TABLE stock_movements DROP COLUMN reason",
            "no column public.stock_movements.reason",
        ),
        ("ALTER TABLE products ALTER cost TYPE text", "public.products.cost is text"),
        ("ALTER TABLE products ALTER price TYPE float8", "public.products.price is double"),
    ],
)
def test_the_fix_of_a_finding_works(url: str, harm: str, what: str) -> None:
    execute(url, harm)
    finding = finding_about(what, findings_of(url))
    execute(url, finding.run)
    assert findings_of(url) == []


@pytest.mark.parametrize(
    "index",
    [
        "(created_at DESC, type)",
        "(created_at) INCLUDE (quantity)",
        "(created_at, location_id, product_id)",
    ],
)
def test_an_index_counts_by_its_leading_columns(url: str, index: str) -> None:
    execute(
        url,
        "DROP INDEX stock_movements_created_at_idx",
        f"CREATE INDEX ON stock_movements {index}",
    )
    assert findings_of(url) == []


@pytest.mark.parametrize(
    "index",
    [
        "(type, created_at)",
        "(created_at) WHERE type = 'out'",
        "((created_at::date))",
    ],
)
def test_an_index_that_runs_cannot_use_does_not_count(url: str, index: str) -> None:
    execute(
        url,
        "DROP INDEX stock_movements_created_at_idx",
        f"CREATE INDEX ON stock_movements {index}",
    )
    (finding,) = findings_of(url)
    assert finding.level is CheckLevel.WARNING
    assert finding.run == ('CREATE INDEX CONCURRENTLY ON "public"."stock_movements" (created_at);')


def test_a_partitioned_table_gets_a_plain_create_index(url: str) -> None:
    execute(
        url,
        "DROP TABLE stock_movements",
        "CREATE TABLE stock_movements (product_id uuid, location_id uuid, quantity integer,"
        " type text, reason text, created_at timestamp) PARTITION BY RANGE (created_at)",
        "CREATE INDEX ON stock_movements (location_id, created_at)",
    )
    (finding,) = findings_of(url)
    assert finding.run == 'CREATE INDEX ON "public"."stock_movements" (created_at);'
    execute(url, finding.run)
    assert findings_of(url) == []


def test_duplicate_keys_are_errors(url: str) -> None:
    execute(
        url,
        "ALTER TABLE products DROP CONSTRAINT products_pkey",
        "INSERT INTO products SELECT * FROM products",
    )
    (finding,) = findings_of(url)
    assert finding.level is CheckLevel.ERROR
    assert finding.what == "public.products (id) has 1 duplicate key."
    assert 'CREATE UNIQUE INDEX CONCURRENTLY ON "public"."products" (id);' in finding.run


SHOP, MILK = "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-0000000000c1"


@pytest.mark.parametrize(
    ("harm", "level", "count", "what"),
    [
        (
            f"INSERT INTO stock_movements VALUES ('{MILK}', '{SHOP}', 1, 'sold', '', now()),"
            f" ('{MILK}', '{SHOP}', 1, 'sold', '', now()),"
            f" ('{MILK}', '{SHOP}', 1, NULL, '', now())",
            "error",
            3,
            "public.stock_movements has movements of unknown types: 'sold' (2), NULL (1).",
        ),
        (
            f"INSERT INTO stock_movements VALUES ('{MILK}', '{SHOP}', NULL, 'in', '', now())",
            "error",
            1,
            "public.stock_movements has 1 movement without a quantity.",
        ),
        (
            f"INSERT INTO stock_movements VALUES ('{SHOP}', '{SHOP}', 1, 'in', '', now())",
            "error",
            1,
            "public.stock_movements has 1 movement with an unknown product.",
        ),
        (
            f"INSERT INTO stock_movements VALUES ('{MILK}', NULL, 1, 'in', '', now())",
            "warning",
            1,
            "public.stock_movements has 1 movement with an unknown location.",
        ),
        (
            f"INSERT INTO stock_movements VALUES ('{MILK}', '{SHOP}', 1, 'in', '', NULL)",
            "warning",
            1,
            "public.stock_movements has 1 movement without created_at.",
        ),
        (
            f"INSERT INTO stock_movements VALUES ('{MILK}', '{SHOP}', 1, 'in', '',"
            " now() AT TIME ZONE 'Asia/Kolkata')",
            "warning",
            1,
            "public.stock_movements has 1 movement with created_at in the future.",
        ),
        (
            f"INSERT INTO inventory_items VALUES ('{MILK}', '{SHOP}', NULL, now())",
            "error",
            1,
            "public.inventory_items has 1 stock row without a quantity.",
        ),
        (
            f"INSERT INTO inventory_items VALUES ('{SHOP}', '{SHOP}', 1, now())",
            "error",
            1,
            "public.inventory_items has 1 stock row with an unknown product.",
        ),
        (
            f"INSERT INTO inventory_items VALUES ('{MILK}', '{MILK}', 1, now())",
            "warning",
            1,
            "public.inventory_items has 1 stock row with an unknown location.",
        ),
        (
            "UPDATE products SET cost = NULL",
            "error",
            1,
            "public.products has 1 product without a cost.",
        ),
        (
            "UPDATE products SET price = NULL",
            "error",
            1,
            "public.products has 1 product without a price.",
        ),
        (
            "UPDATE locations SET is_active = false",
            "warning",
            1,
            "public.locations has 1 row, but no active location.",
        ),
    ],
)
def test_rows_that_no_figure_can_use_are_counted(
    url: str, harm: str, level: str, count: int, what: str
) -> None:
    execute(url, harm)
    (finding,) = findings_of(url)
    assert (finding.level, finding.what) == (level, what)
    assert len(rows(url, finding.run)) == count  # the statement selects what was counted


def test_rows_with_more_decimals_are_counted(url: str) -> None:
    _give_type(url, "products", "price", "numeric")
    _give_type(url, "stock_movements", "quantity", "numeric")
    execute(
        url,
        "UPDATE products SET price = 1.29505",
        "INSERT INTO stock_movements (product_id, location_id, quantity, type, created_at)"
        f" SELECT '{MILK}', '{SHOP}', amount, 'in', now()"
        " FROM unnest('{1.0005,1.125}'::numeric[]) AS a (amount)",
    )
    for what in (
        "1 product with a price that is too large or has more than four decimals",
        "1 movement with a quantity that is too large or has more than three decimals",
    ):
        assert finding_about(what, findings_of(url)).level is CheckLevel.ERROR


def test_a_check_that_takes_too_long_ends_with_a_note(url: str) -> None:
    execute(
        url,
        "ALTER TABLE stock_movements RENAME TO ledger",
        "CREATE VIEW stock_movements AS SELECT l.* FROM ledger AS l, pg_sleep(30)",
        f"INSERT INTO ledger VALUES ('{MILK}', '{SHOP}', 1, 'in', '', now())",
    )
    findings = findings_of(url, seconds_per_check=1)
    assert [finding.what for finding in findings if finding.what.startswith("Could not")] == [
        "Could not check that every row can be counted: reading public.stock_movements took longer "
        "than 1 second.",
        "Could not check that every movement type is known: reading public.stock_movements took "
        "longer than 1 second.",
    ]


def test_a_failing_view_hides_no_other_finding(url: str) -> None:
    execute(
        url,
        "ALTER TABLE stock_movements RENAME TO ledger",
        "CREATE VIEW stock_movements AS SELECT product_id, location_id, quantity / 0 AS quantity,"
        " type, reason, created_at FROM ledger",
        f"INSERT INTO ledger VALUES ('{MILK}', '{SHOP}', 1, 'sold', '', now())",
    )
    findings = findings_of(url)
    assert "division by zero" in finding_about("Reading the source failed", findings).what
    assert finding_about("unknown types: 'sold' (1)", findings).level is CheckLevel.ERROR


def test_four_views_keep_the_contract(unmigrated_url: str) -> None:
    execute(
        unmigrated_url,
        'CREATE SCHEMA "the shop"',
        *(
            f'CREATE VIEW "the shop".{name} AS SELECT * FROM public.{name}'
            for name in ("locations", "products", "inventory_items", "stock_movements")
        ),
    )
    settings = settings_of(unmigrated_url, SOURCE_SCHEMA="the shop", ANALYTICS_SCHEMA="figures")
    migrate_at(settings)
    (finding,) = findings_of(unmigrated_url, settings=settings)
    assert finding.level is CheckLevel.NOTE
    assert finding.what == ("the shop.stock_movements is a view, so its indexes cannot be checked.")
    assert "(location_id, created_at)" in finding.run


def test_a_view_whose_owner_may_not_read_is_found(url: str, reader: tuple[str, str]) -> None:
    role, _ = reader
    execute(
        url,
        "ALTER TABLE products RENAME TO articles",
        "CREATE VIEW products AS SELECT * FROM articles",
        f"GRANT CREATE ON SCHEMA public TO {role}",
        f"ALTER VIEW products OWNER TO {role}",
    )
    finding = finding_about("The view public.products cannot be read", findings_of(url))
    assert "permission denied for table articles" in finding.what
    assert finding.level is CheckLevel.ERROR


def test_a_user_without_privileges_gets_each_grant(url: str, reader: tuple[str, str]) -> None:
    role, role_url = reader
    with pytest.raises(SchemaError, match=r"no SELECT privilege on public\.locations"):
        shape_of(role_url)
    findings = findings_of(role_url)
    assert finding_about("SELECT privilege on public.locations", findings).run == (
        f'GRANT SELECT ON "public"."locations" TO "{role}";'
    )
    assert finding_about("public.analytics_snapshots.", findings).run == (
        f'GRANT SELECT, INSERT, UPDATE, DELETE ON "public"."analytics_snapshots" TO "{role}";'
    )
    execute(url, *(finding.run for finding in findings if finding.level is CheckLevel.ERROR))
    assert findings_of(role_url) == []
    shape_of(role_url)


def test_a_column_that_may_not_be_read_is_named(url: str, reader: tuple[str, str]) -> None:
    role, role_url = reader
    execute(url, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    execute(
        url,
        f"REVOKE SELECT ON products FROM {role}",
        f"GRANT SELECT (id, price) ON products TO {role}",
    )
    with pytest.raises(SchemaError, match=r"no SELECT privilege on public\.products\.cost"):
        shape_of(role_url)


def test_a_schema_that_may_not_be_used_is_named(url: str, reader: tuple[str, str]) -> None:
    role, role_url = reader
    execute(url, "REVOKE USAGE ON SCHEMA public FROM PUBLIC")
    findings = findings_of(role_url)
    assert findings[0].what == "The user has no USAGE privilege on schema public."
    assert findings[0].run == f'GRANT USAGE ON SCHEMA "public" TO "{role}";'


def test_row_level_security_is_a_warning(url: str, reader: tuple[str, str]) -> None:
    role, role_url = reader
    execute(
        url,
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
        "ALTER TABLE stock_movements ENABLE ROW LEVEL SECURITY",
    )
    finding = finding_about("Row-level security", findings_of(role_url))
    assert finding.level is CheckLevel.WARNING
    execute(url, finding.run)
    assert findings_of(role_url) == []


def test_a_user_who_cannot_migrate_gets_each_grant(unmigrated_url: str) -> None:
    with role_of(unmigrated_url) as (role, role_url):
        execute(unmigrated_url, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        findings = findings_of(role_url)
        assert [(f.level, f.run) for f in findings] == [
            ("error", f'GRANT CREATE ON SCHEMA "public" TO "{role}";'),
            ("error", f'GRANT REFERENCES (id) ON "public"."locations" TO "{role}";'),
            ("warning", "analytics-scheduler migrate"),
        ]
        execute(unmigrated_url, *(f.run for f in findings if f.level is CheckLevel.ERROR))
        migrate_at(settings_of(role_url))
        assert findings_of(role_url) == []


def test_a_schema_that_cannot_be_created_is_named(unmigrated_url: str) -> None:
    with role_of(unmigrated_url) as (role, role_url):
        execute(unmigrated_url, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        execute(unmigrated_url, f"GRANT REFERENCES (id) ON locations TO {role}")
        settings = settings_of(role_url, ANALYTICS_SCHEMA="figures")
        (finding,) = findings_of(role_url, settings=settings)
        assert finding.run == f'CREATE SCHEMA "figures" AUTHORIZATION "{role}";'
        execute(unmigrated_url, finding.run)
        migrate_at(settings)
        assert findings_of(role_url, settings=settings) == []


def test_a_table_of_another_shape_is_found_early(unmigrated_url: str) -> None:
    execute(unmigrated_url, "CREATE TABLE analytics_snapshots (id bigint PRIMARY KEY)")
    finding = finding_about("has another shape", findings_of(unmigrated_url))
    assert finding.level is CheckLevel.ERROR
    assert "column id is bigint, must be uuid" in finding.what


def test_the_command_fails_on_errors_and_gives_fixes(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    assert main(["check"]) == 0
    assert "The source keeps the contract: no findings." in capsys.readouterr().out

    execute(url, "DROP INDEX stock_movements_created_at_idx", "UPDATE products SET cost = NULL")
    assert main(["check"]) == 1
    text = capsys.readouterr().out
    assert "error: public.products has 1 product without a cost.\n" in text
    assert "    run: CREATE INDEX CONCURRENTLY ON" in text
    assert "The source breaks the contract: 1 error, 1 warning." in text

    assert main(["check", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["success"] is False
    assert document["database"].startswith("host ")
    assert [set(finding) for finding in document["findings"]] == [
        {"level", "what", "why", "run"}
    ] * 2


def test_warnings_alone_do_not_fail_the_command(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    execute(url, "DROP INDEX stock_movements_created_at_idx")
    assert main(["check", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["success"] is True


def test_names_that_need_quotes_are_quoted(unmigrated_url: str) -> None:
    schema = f'ledger "of" {uuid4().hex[:4]}'
    quoted = sql.Identifier(schema).as_string()
    execute(unmigrated_url, f"ALTER SCHEMA public RENAME TO {quoted}")
    settings = settings_of(unmigrated_url, SOURCE_SCHEMA=schema, ANALYTICS_SCHEMA=schema)
    migrate_at(settings)
    execute(unmigrated_url, f"DROP INDEX {quoted}.stock_movements_created_at_idx")
    (finding,) = findings_of(unmigrated_url, settings=settings)
    execute(unmigrated_url, finding.run)
    assert findings_of(unmigrated_url, settings=settings) == []


def _give_type(url: str, relation: str, column: str, type_name: str) -> None:
    """Create the column again with another type, and the indexes that it had."""
    primary = "PRIMARY KEY" if column == "id" else ""
    execute(
        url,
        f"ALTER TABLE {relation} DROP COLUMN {column} CASCADE",
        f"DELETE FROM {relation}" if primary else "SELECT 1",
        f"ALTER TABLE {relation} ADD COLUMN {column} {type_name} {primary}",
    )
    refill = {
        ("locations", "name"): "UPDATE locations SET name = 'Corner shop'",
        ("locations", "is_active"): "SELECT 1",
        ("products", "cost"): "UPDATE products SET cost = '0.7'",
        ("products", "price"): "UPDATE products SET price = '1'",
        ("stock_movements", "created_at"): (
            "CREATE INDEX ON stock_movements (created_at);"
            "CREATE INDEX ON stock_movements (location_id, created_at)"
        ),
    }
    execute(url, refill.get((relation, column), "SELECT 1"))
