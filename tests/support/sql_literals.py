"""The string literals that SQL compares with a column, or assigns to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pglast import ast
from pglast.enums import ConstrType
from tests.support.sql_files import every_node


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
        case "A_Expr":
            yield from _compared(node.lexpr, node.rexpr)
            yield from _compared(node.rexpr, node.lexpr)
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
    column = _column_of(side)
    if column:
        yield from (Literal(column, word) for word in _words_of(other))


def _assigned(names: Iterable[str], values: Iterable[Any]) -> Iterator[Literal]:
    for name, value in zip(names, values, strict=False):
        expression = value.val if isinstance(value, ast.ResTarget) else value
        yield from (Literal(name, word) for word in _words_of(expression))


def _column_of(node: Any) -> str | None:
    """Return the name of a column, whatever it is cast to."""
    match type(node).__name__:
        case "TypeCast":
            return _column_of(node.arg)
        case "ColumnRef" if isinstance(node.fields[-1], ast.String):
            return str(node.fields[-1].sval)
    return None


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
        case "CaseExpr":
            yield from _words_of(tuple(when.result for when in node.args))
            yield from _words_of(node.defresult)
