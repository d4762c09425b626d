"""Every named statement has a true header and a caller, and nothing else executes SQL."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from pglast import ast as sql_ast
from tests.support.sql_files import SqlText, named_statements
from tests.support.sql_locks import filled_tables, takes_locks

import analytics_scheduler
from analytics_scheduler.queries import SQL_FOLDER

PACKAGE = Path(analytics_scheduler.__file__).parent
REPOSITORY = PACKAGE.parents[1]
PRODUCT = sorted(
    path for folder in (PACKAGE, REPOSITORY / "dags", REPOSITORY / "plugins")
    for path in folder.rglob("*.py")
)  # fmt: skip
STATEMENTS = named_statements()
FIELDS = ("Purpose", "Parameters", "Parts", "Rows", "Locks")
_FIELD = re.compile(rf"(?:^|\s)({'|'.join(FIELDS)}):\s")
_SQL = re.compile(
    r"\s*(SELECT|WITH|VALUES|INSERT|UPDATE|DELETE|MERGE|TRUNCATE|COPY|CREATE|ALTER|DROP|LOCK|CALL)\s"
)
_FILLS = re.compile(r"into the temporary table (\w+)")
_SAYS_NOTHING = re.compile(r"pg_advisory_|set_config$")
# What needs no name: the settings of a session, and asking whether the server responds.
_UNNAMED = re.compile(r"\s*(SET\s|SELECT (\w+\(\), )?set_config\(|SELECT 1$)")

# Modules that may execute SQL of their own, and why.
MAY_EXECUTE: Mapping[str, str] = {
    "local/servers": "it creates databases, where no schema of ours exists",
}
# Modules that may read files of SQL, and why.
MAY_READ: Mapping[str, str] = {
    "queries": "it loads the named statements",
    "migrations": "a migration is a whole script, executed once in its order",
}

each_statement = pytest.mark.parametrize("statement", STATEMENTS, ids=str)
each_module = pytest.mark.parametrize(
    "path", PRODUCT, ids=lambda path: path.relative_to(REPOSITORY).as_posix()
)


def fields_of(header: str) -> dict[str, str]:
    """Return the fields of a header; what stands before the first is called name."""
    name, *rest = _FIELD.split(" ".join(header.split()))
    return {"name": name, **dict(zip(rest[::2], rest[1::2], strict=True))}


def names_in(field: str) -> list[str]:
    """Return the names that a field lists between commas or semicolons, without remarks."""
    without = field
    while without != (without := re.sub(r"\s*\([^()]*\)", "", without)):
        pass
    return [name.strip() for name in re.split("[,;]", without.strip().removesuffix("."))]


def returns_rows(statement: SqlText) -> bool:
    """Return whether the last statement gives rows to its caller.

    Taking a lock and setting a parameter give one row that says nothing, and LIMIT 0 gives none.
    """
    last = statement.parsed()[-1]
    if isinstance(last, sql_ast.SelectStmt):
        calls = [getattr(target.val, "funcname", None) for target in last.targetList or ()]
        silent = [call and _SAYS_NOTHING.match(call[-1].sval) for call in calls]
        is_empty = getattr(getattr(last.limitCount, "val", None), "ival", None) == 0
        return not is_empty and (not silent or not all(silent))
    returning = getattr(last, "returningClause", None) or getattr(last, "returningList", None)
    return returning is not None


@each_statement
def test_header_says_the_purpose(statement: SqlText) -> None:
    fields = fields_of(statement.header)
    assert fields["name"] == f"name: {statement.name}"
    assert fields.get("Purpose", "").endswith(".")
    assert [name for name in fields if name in FIELDS] == [
        name for name in FIELDS if name in fields
    ]


@each_statement
def test_header_fields_begin_their_lines(statement: SqlText) -> None:
    beginnings = [line.partition(":")[0] for line in statement.header.splitlines() if ":" in line]
    assert set(fields_of(statement.header)) - {"name"} <= set(beginnings)


@each_statement
def test_header_lists_the_parameters(statement: SqlText) -> None:
    fields = fields_of(statement.header)
    listed = names_in(fields["Parameters"]) if "Parameters" in fields else []
    assert Counter(listed) == Counter(statement.parameters)


@each_statement
def test_header_lists_the_parts(statement: SqlText) -> None:
    fields = fields_of(statement.header)
    listed = names_in(fields["Parts"]) if "Parts" in fields else []
    assert Counter(listed) == Counter(statement.parts)


@each_statement
def test_header_describes_the_rows(statement: SqlText) -> None:
    """A part need not say what its rows are.

    A statement without rows has no field, unless it says into which temporary table it puts them.
    """
    rows = fields_of(statement.header).get("Rows", "")
    filled = _FILLS.match(rows)
    if returns_rows(statement):
        assert rows or statement.is_part
        assert not rows.startswith("none")
        assert not filled
    else:
        assert not rows or (filled and filled[1] in filled_tables(statement))


@each_statement
def test_header_names_the_locks(statement: SqlText) -> None:
    """A statement that only reads has no field; one that locks says what."""
    locks = fields_of(statement.header).get("Locks", "")
    assert bool(locks) == takes_locks(statement)
    assert not re.match(r"(none|nothing)\b", locks, re.IGNORECASE)


def strings_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


LITERALS = {text for path in PRODUCT for text in strings_of(path)}


@each_statement
def test_statement_has_a_caller(statement: SqlText) -> None:
    """Its name is a literal, so that a search finds the caller; or another statement names it."""
    is_used = statement.is_part and any(statement.name in other.parts for other in STATEMENTS)
    assert is_used or statement.name in LITERALS


def module_of(path: Path) -> str:
    return path.relative_to(REPOSITORY / "include" / "analytics_scheduler").as_posix()[:-3]


def executed_sql(tree: ast.Module) -> Iterator[str]:
    """Give every statement that a module executes or hands to the driver as a text of its own."""
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args:
            called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            given = node.args[0]
            if isinstance(given, ast.Name):
                given = constants.get(given.id, given)
            text = _text_of(given)
            is_executed = called in {"execute", "executemany", "copy", "SQL"}
            if is_executed and _SQL.match(text) and not _UNNAMED.match(text):
                yield text


def _text_of(node: ast.expr) -> str:
    """Return a text, also of an f-string or a sum, without what is not known."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_text_of(value) for value in values)
        case ast.BinOp(left=left, right=right):
            return _text_of(left) + _text_of(right)
    return ""


@each_module
def test_sql_is_executed_by_name(path: Path) -> None:
    if path.is_relative_to(PACKAGE) and module_of(path) in MAY_EXECUTE:
        return
    assert list(executed_sql(ast.parse(path.read_text(encoding="utf-8")))) == []


@each_module
def test_sql_files_are_read_in_one_place(path: Path) -> None:
    if path.is_relative_to(PACKAGE) and module_of(path) in MAY_READ:
        return
    assert [text for text in strings_of(path) if re.fullmatch(r"\S*\.sql|sql", text)] == []
    assert "SQL_FOLDER" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("exceptions", [MAY_EXECUTE, MAY_READ])
def test_every_exception_is_a_module(exceptions: Mapping[str, str]) -> None:
    assert all((PACKAGE / f"{name}.py").is_file() for name in exceptions)


def test_every_sql_file_has_names() -> None:
    """Nothing stands before the first named statement of a file; two kinds have no statements.

    A migration is a script, and `schema.sql` is for reading.
    """
    files = {statement.file for statement in STATEMENTS}
    for path in SQL_FOLDER.rglob("*.sql"):
        if path.parent.name != "migrations" and path.name != "schema.sql":
            assert path.relative_to(SQL_FOLDER).as_posix() in files
            assert path.read_text(encoding="utf-8").startswith("-- name: ")


@pytest.mark.parametrize(
    ("field", "names"),
    [
        ("days.", ["days"]),
        (
            "after (the last id (or NULL), if any); until, size (how many).",
            ["after", "until", "size"],
        ),
        ("none.", ["none"]),
    ],
)
def test_names_are_read_without_remarks(field: str, names: list[str]) -> None:
    assert names_in(field) == names


def test_executed_sql_is_found() -> None:
    tree = ast.parse(
        'Q = "SELECT 2"\n'
        'c.execute("DELETE FROM t")\nc.execute(Q)\nc.execute(f"WITH a AS ({x}) " + y)\n'
        'sql.SQL("INSERT INTO t")\n'
        'c.execute("SELECT set_config(1)")\nc.execute("SET x = 1")\nc.execute("SELECT 1")\n'
        "c.execute(named)\n"
        'print("SELECT a town")\n'
    )
    assert list(executed_sql(tree)) == [
        "DELETE FROM t", "SELECT 2", "WITH a AS () ", "INSERT INTO t"
    ]  # fmt: skip


def written(body: str) -> SqlText:
    return SqlText("a", "a.sql", "", body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("INSERT INTO {analytics}.t VALUES (1)", True),
        ("WITH a AS (DELETE FROM t RETURNING id) SELECT id FROM a", True),
        ("UPDATE t SET a = 1", True),
        ("MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE", True),
        ("SELECT a FROM t FOR UPDATE SKIP LOCKED", True),
        ("SELECT (SELECT a FROM t FOR SHARE)", True),
        ("LOCK TABLE t", True),
        ("SELECT pg_advisory_xact_lock(%(key)s)", True),
        ("SELECT pg_try_advisory_lock(%(key)s)", True),
        ("TRUNCATE wanted_days, t", True),
        ("COPY t FROM STDIN", True),
        ("ANALYZE t", True),
        ("ALTER TABLE t ADD a INTEGER", True),
        ("CREATE INDEX ON t (a)", True),
        ("CREATE TABLE t (a INTEGER REFERENCES u)", True),
        ("DROP TABLE pg_temp.t, t", True),
        ("DROP SCHEMA t", True),
        ("INSERT INTO {analytics}.wanted_days VALUES (1)", True),
        ("SELECT a FROM t", False),
        ("COPY t TO STDOUT", False),
        ("CREATE TABLE t (a INTEGER PRIMARY KEY)", False),
        ("CREATE TEMPORARY TABLE t AS SELECT 1", False),
        ("DELETE FROM wanted_days", False),
        ("INSERT INTO pg_temp.t VALUES (1)", False),
        ("TRUNCATE wanted_days", False),
        ("DROP TABLE pg_temp.t, wanted_days", False),
    ],
)
def test_locks_are_found(body: str, *, expected: bool) -> None:
    assert takes_locks(written(body)) is expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("CREATE TEMPORARY TABLE t AS SELECT 1", {"t"}),
        ("INSERT INTO pg_temp.t SELECT 1", {"t"}),
        ("INSERT INTO wanted_days SELECT 1", {"wanted_days"}),
        ("INSERT INTO t SELECT 1", set()),
        ("CREATE TABLE t AS SELECT 1", set()),
        ("CREATE TEMPORARY TABLE t (a INTEGER)", set()),
        ("DELETE FROM wanted_days", set()),
    ],
)
def test_filled_tables_are_found(body: str, expected: set[str]) -> None:
    assert filled_tables(written(body)) == expected
