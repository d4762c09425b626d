"""The string literals that SQL compares with a column or parameter, or assigns to a column.

A parameter is a column of its name in the trees of `sql_files`, so it is not told apart here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pglast import ast
from pglast.enums import ConstrType
from tests.support.sql_files import every_node

_COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">="})


class Literal(NamedTuple):
    """A literal, and the column or alias that it belongs to."""

    column: str
    word: str


def literals_of(tree: Any) -> Iterator[Literal]:
    """Give every literal of a statement that belongs to a column or to an alias."""
    for node in every_node(tree):
        yield from _in_expression(node)
        yield from _in_statement(node)


def _in_expression(node: Any) -> Iterator[Literal]:
    match type(node).__name__:
        case "A_Expr" if node.name[-1].sval in _COMPARISONS:
            yield from _compared(node.lexpr, node.rexpr)
            yield from _compared(node.rexpr, node.lexpr)
        case "SubLink" if node.testexpr is not None:
            yield from _compared(node.testexpr, node.subselect)
            yield from _compared(node.subselect, node.testexpr)
        case "CaseExpr" if node.arg is not None:
            yield from _compared(node.arg, tuple(when.expr for when in node.args))
        case "FuncCall":
            # strpos('a b', column) and array_position(ARRAY['a', 'b'], column) give an order.
            for argument in node.args or ():
                for column, words in _compared(argument, node.args):
                    yield from (Literal(column, word) for word in words.split())


def _in_statement(node: Any) -> Iterator[Literal]:
    match type(node).__name__:
        case "SelectStmt":
            first, *others = _queries_of(node)
            names = [target.name or "" for target in first.targetList or ()]
            for query in (first, *others):
                yield from _assigned(names, query.targetList or ())
        case "UpdateStmt" | "OnConflictClause":
            for target in node.targetList or ():
                yield from _assigned([target.name], [target])
        case "InsertStmt" if node.cols and node.selectStmt:
            names = [column.name for column in node.cols]
            yield from _assigned(names, node.selectStmt.targetList or ())
            for row in node.selectStmt.valuesLists or ():
                yield from _assigned(names, row)
        case "CommonTableExpr" if node.aliascolnames:
            names = [name.sval for name in node.aliascolnames]
            yield from _assigned(names, getattr(node.ctequery, "targetList", None) or ())


def checks_of(tree: Any) -> Mapping[str, set[str]]:
    """Return the literals of each CHECK that a statement makes, by column."""
    found: dict[str, set[str]] = {}
    for node in every_node(tree):
        if isinstance(node, ast.Constraint) and node.contype == ConstrType.CONSTR_CHECK:
            for column, word in literals_of(node.raw_expr):
                found.setdefault(column, set()).add(word)
    return found


def _queries_of(select: Any) -> list[Any]:
    """Return the queries of a UNION; the aliases of the first name the columns of all."""
    if select.larg is None:
        return [select]
    return [*_queries_of(select.larg), *_queries_of(select.rarg)]


def _compared(side: Any, other: Any) -> Iterator[Literal]:
    """Give the literals of the other side, each with the column that stands at its place."""
    rows = [row for row in (side, other) if isinstance(row, ast.RowExpr)]
    width = max((len(row.args or ()) for row in rows), default=1)
    for place in range(width):
        words = [word for value in _values_at(place, other) for word in _words_of(value)]
        for value in _values_at(place, side):
            yield from (Literal(column, word) for column in _columns_of(value) for word in words)


def _values_at(place: int, node: Any) -> Iterator[Any]:
    """Give the expressions at a place of a row, or of every row of a list, array or query."""
    match type(node).__name__:
        case "tuple":
            for entry in node:
                yield from _values_at(place, entry)
        case "A_ArrayExpr":
            yield from _values_at(place, node.elements or ())
        case "RowExpr":
            yield from (node.args or ())[place : place + 1]
        case "SubLink" if node.testexpr is None:
            yield from _values_at(place, node.subselect)
        case "SelectStmt":
            for query in _queries_of(node):
                targets = tuple(target.val for target in query.targetList or ())
                for row in (targets, *(query.valuesLists or ())):
                    yield from row[place : place + 1]
        case _:
            yield node


def _assigned(names: Iterable[str], values: Iterable[Any]) -> Iterator[Literal]:
    for name, value in zip(names, values, strict=False):
        expression = value.val if isinstance(value, ast.ResTarget) else value
        yield from (Literal(name, word) for word in _words_of(expression))


def _columns_of(node: Any) -> Iterator[str]:
    """Give the names of the columns that an expression has its value from, whatever the cast."""
    match type(node).__name__:
        case "TypeCast":
            yield from _columns_of(node.arg)
        case "CoalesceExpr":
            for argument in node.args:
                yield from _columns_of(argument)
        case "ColumnRef" if isinstance(node.fields[-1], ast.String):
            yield str(node.fields[-1].sval)


def _words_of(node: Any) -> Iterator[str]:
    """Give the literals that an expression may have as its value."""
    match type(node).__name__:
        case "tuple":
            for entry in node:
                yield from _words_of(entry)
        case "A_Const" if isinstance(node.val, ast.String):
            yield str(node.val.sval)
        case "TypeCast":
            yield from _words_of(node.arg)
        case "A_ArrayExpr":
            yield from _words_of(node.elements)
        case "CoalesceExpr" | "MinMaxExpr":
            yield from _words_of(node.args)
        case "FuncCall" if node.funcname[-1].sval == "unnest":
            yield from _words_of(node.args)
        case "CaseExpr":
            yield from _words_of(tuple(when.result for when in node.args))
            yield from _words_of(node.defresult)
