"""What a statement locks beyond reading, and which temporary tables it fills, by its syntax tree.

A temporary table is one below pg_temp, or one that a named statement creates as temporary.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from pglast import ast
from tests.support.sql_files import SqlText, every_node, named_statements

_ADVISORY = re.compile(r"pg_(try_)?advisory_(xact_)?lock")


def nodes_of(statement: SqlText) -> list[Any]:
    """Return every node of a statement."""
    return every_node(tuple(statement.parsed()))


def takes_locks(statement: SqlText) -> bool:
    """Return whether a statement locks rows, a table or a number.

    Temporary tables do not count, nor what the statement creates: no other session sees them.
    """
    return any(_locks(node) for node in nodes_of(statement))


def filled_tables(statement: SqlText) -> set[str]:
    """Return the temporary tables that a statement creates from a query, or inserts into."""
    tables: list[Any] = [
        node.rel if isinstance(node, ast.IntoClause) else node.relation
        for node in nodes_of(statement)
        if isinstance(node, ast.IntoClause | ast.InsertStmt)
    ]
    return {table.relname for table in tables if _is_temporary(table)}


def _locks(node: Any) -> bool:
    match node:
        case (
            ast.InsertStmt(relation=table)
            | ast.UpdateStmt(relation=table)
            | ast.DeleteStmt(relation=table)
            | ast.MergeStmt(relation=table)
            | ast.CopyStmt(relation=table, is_from=True)
            | ast.AlterTableStmt(relation=table)
            | ast.IndexStmt(relation=table)
            | ast.VacuumRelation(relation=table)
            | ast.Constraint(pktable=ast.RangeVar() as table)
        ):
            return not _is_temporary(table)
        case ast.TruncateStmt(relations=tables):
            return not all(_is_temporary(table) for table in tables or ())
        case ast.DropStmt(objects=names):
            return not all(_is_temporary_name(name) for name in names or ())
        case ast.FuncCall(funcname=[*_, name]):
            return bool(_ADVISORY.match(name.sval))
        case ast.LockingClause() | ast.LockStmt():
            return True
    return False


def _is_temporary(table: Any) -> bool:
    is_created = table.relpersistence == "t" or table.relname in _temporary_tables()
    return table.schemaname == "pg_temp" or (not table.schemaname and is_created)


def _is_temporary_name(name: Any) -> bool:
    """Return whether DROP names a temporary table; a schema is no tuple."""
    *schemas, table = [part.sval for part in name] if isinstance(name, tuple) else ["", ""]
    return schemas == ["pg_temp"] or (not schemas and table in _temporary_tables())


@cache
def _temporary_tables() -> frozenset[str]:
    return frozenset(
        str(node.relname)
        for statement in named_statements()
        for node in nodes_of(statement)
        if isinstance(node, ast.RangeVar) and node.relpersistence == "t"
    )
