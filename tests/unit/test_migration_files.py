"""Migrations only add: an older version works with newer tables, and a downgrade loses nothing."""

from __future__ import annotations

import re
from typing import Any

import pglast
import pytest
from pglast.enums import AlterTableType, ConstrType
from pglast.stream import RawStream

from analytics_scheduler.migrations import migration_names
from analytics_scheduler.queries import SQL_FOLDER


def test_migrations_only_add() -> None:
    checks: dict[str, set[str]] = {}
    for name in migration_names():
        path = SQL_FOLDER / "migrations" / f"{name}.sql"
        text = re.sub(r"\{(\w+)\}", r"\1", path.read_text(encoding="utf-8"))
        require_additions(text.replace(" location_reference", ""), checks)


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE t DROP COLUMN event",
        "ALTER TABLE t ADD COLUMN n integer NOT NULL",
        "ALTER TABLE t DROP CONSTRAINT t_event_check",
        "ALTER TABLE t DROP CONSTRAINT t_event_check,"
        " ADD CONSTRAINT t_event_check CHECK (event IN ('one'))",
        "ALTER TABLE t ADD CONSTRAINT t_other CHECK (event <> 'one')",
        "CREATE UNIQUE INDEX ON t (event)",
        "DROP TABLE t",
    ],
)
def test_change_that_takes_away_is_refused(change: str) -> None:
    checks: dict[str, set[str]] = {}
    require_additions("CREATE TABLE t (event text CHECK (event IN ('one', 'two')))", checks)
    with pytest.raises(AssertionError):
        require_additions(change, checks)


def test_check_may_allow_more_words() -> None:
    checks: dict[str, set[str]] = {}
    require_additions("CREATE TABLE t (event text CHECK (event IN ('one', 'two')))", checks)
    require_additions(
        "ALTER TABLE t DROP CONSTRAINT t_event_check,"
        " ADD CONSTRAINT t_event_check CHECK (event IN ('one', 'two', 'three'))",
        checks,
    )
    assert checks == {"t_event_check": {"one", "two", "three"}}


def require_additions(text: str, checks: dict[str, set[str]]) -> None:
    """Refuse what could stop a version that does not know of it; a new table may have anything.

    A CHECK may be replaced by one that allows more words; `checks` holds the words of each by name.
    """
    made: set[str] = set()
    for statement in pglast.parse_sql(text):
        change: Any = statement.stmt
        kind = type(change).__name__
        assert kind in {"CreateStmt", "IndexStmt", "CommentStmt", "InsertStmt", "AlterTableStmt"}
        if kind == "CreateStmt":
            made.add(change.relation.relname)
            checks |= _checks_of(change)
        elif kind == "IndexStmt":
            assert not change.unique or change.relation.relname in made
        elif kind == "AlterTableStmt":
            _require_wider_table(change.cmds, checks)


def _require_wider_table(changes: Any, checks: dict[str, set[str]]) -> None:
    dropped = {each.name for each in changes if each.subtype == AlterTableType.AT_DropConstraint}
    for change in changes:
        if change.subtype == AlterTableType.AT_AddColumn:
            forms = {rule.contype for rule in change.def_.constraints or ()}
            assert ConstrType.CONSTR_NOTNULL not in forms or ConstrType.CONSTR_DEFAULT in forms
        elif change.subtype == AlterTableType.AT_AddConstraint:
            name, words = change.def_.conname, _words_in(change.def_)
            assert name in dropped
            assert words >= checks[name]
            checks[name] = words
            dropped.remove(name)
        else:
            assert change.subtype == AlterTableType.AT_DropConstraint
    assert not dropped


def _checks_of(table: Any) -> dict[str, set[str]]:
    """Return the words of each column's CHECK by the name that PostgreSQL gives it."""
    return {
        f"{table.relation.relname}_{column.colname}_check": _words_in(rule)
        for column in table.tableElts
        for rule in getattr(column, "constraints", None) or ()
        if rule.contype == ConstrType.CONSTR_CHECK
    }


def _words_in(rule: Any) -> set[str]:
    return set(re.findall(r"'([^']*)'", RawStream()(rule.raw_expr)))
