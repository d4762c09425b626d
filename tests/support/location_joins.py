"""Read a statement as PostgreSQL does, and name the joins that do not keep to one location.

On Citus a join is done where the rows lie only if it says that their locations are the same. So
everything that holds rows of locations must be joined by an equality of its location; relations
that are the same everywhere (products, prices, lists of days) may be joined by anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pglast import ast, parse_sql
from pglast.enums import A_Expr_Kind, BoolExprType, SubLinkType

_LOCATION = {"location_id": "location"}
_SNAPSHOT = {**_LOCATION, "id": "snapshot"}
# What identifies the location of a row, and what identifies the row itself where a table of the
# package's own is joined with what was read from it before.
KEYS: Mapping[str, Mapping[str, str]] = {
    "locations": {"id": "location"},
    "inventory_items": _LOCATION,
    "stock_movements": _LOCATION,
    "analytics_snapshots": _SNAPSHOT,
    "analytics_snapshot_adopted": {"snapshot_id": "snapshot"},
    "analytics_snapshot_days": _LOCATION,
    "analytics_snapshot_locations": _LOCATION,
    "analytics_snapshot_revisions": {**_LOCATION, "id": "revision"},
    "composed_snapshots": {**_LOCATION, "snapshot_id": "snapshot"},
    "computed_days": _LOCATION,
    "day_findings": _LOCATION,
    "new_days": _LOCATION,
    "planned_periods": _LOCATION,
    "revaluations": _LOCATION,
    "wanted_days": _LOCATION,
    "written_days": _LOCATION,
}
SAME_EVERYWHERE = frozenset(
    {
        "older_prices",
        "products",
        "analytics_snapshot_alerts",
        "analytics_snapshot_migrations",
        "analytics_snapshot_prices",
        "analytics_snapshot_runs",
    }
)


@dataclass(eq=False, slots=True)
class Relation:
    """Something that is joined; what is found to be of the same location shares a `home`."""

    name: str
    keys: Mapping[str, str] = field(default_factory=dict)
    has_rows_of_locations: bool = False
    above: Relation | None = None

    @property
    def home(self) -> Relation:
        found = self
        while found.above is not None:
            found = found.above
        return found

    def join(self, other: Relation) -> None:
        if self.home is not other.home:
            self.home.above = other.home


@dataclass(slots=True)
class Query:
    """The relations that a query reads, and those of the query around it."""

    common: Mapping[str, Relation]
    around: Query | None
    problems: list[str]
    relations: dict[str, Relation] = field(default_factory=dict)
    is_correlated: bool = False

    def relation_of(self, column: Any) -> tuple[Relation, str] | None:
        """Return the relation of a column that is a key, and what it is a key of."""
        names = [part.sval for part in column.fields if _kind(part) == "String"]
        query: Query | None = self
        while query is not None and names:
            for relation in query.relations.values():
                if len(names) > 1 and relation.name != names[-2]:
                    continue
                if len(names) > 1 or names[-1] in relation.keys:
                    self.is_correlated = self.is_correlated or query is not self
                    kind = relation.keys.get(names[-1])
                    return (relation, kind) if kind else None
            query = query.around
        return None


def _kind(node: Any) -> str:
    """Return what PostgreSQL calls the structure of a node."""
    return type(node).__name__


def problems_of(text: str) -> list[str]:
    """Return the joins of a statement (with `%(name)s` for values) that cross locations."""
    plain = re.sub(r"%(\(\w+\))?s", "$1", text).replace("%%", "%")
    problems: list[str] = []
    for statement in parse_sql(plain):
        _read(statement.stmt, Query({}, None, problems))
    return problems


def _read(node: Any, query: Query) -> Relation:
    """Look at a statement in its own scope, and return what it gives."""
    if _kind(node) == "CreateTableAsStmt":
        return _read(node.query, query)
    if getattr(node, "withClause", None):
        query.common = common = dict(query.common)
        for entry in node.withClause.ctes:
            common[entry.ctename] = Relation(entry.ctename)  # where it reads itself
            inner = Query(common, query.around, query.problems)
            common[entry.ctename] = _read(entry.ctequery, inner)
    if _kind(node) == "InsertStmt":
        _read(node.selectStmt, Query(query.common, query.around, query.problems))
        target = _table(node.relation, query.common)
        query.relations[target.name] = target
        return _given(node, query)
    if _kind(node) == "SelectStmt" and node.larg is not None:
        left = _read(node.larg, Query(query.common, query.around, query.problems))
        right = _read(node.rarg, Query(query.common, query.around, query.problems))
        both = {name: kind for name, kind in left.keys.items() if right.keys.get(name) == kind}
        return Relation("", both, left.has_rows_of_locations or right.has_rows_of_locations)
    if _kind(node) not in {"SelectStmt", "UpdateStmt", "DeleteStmt"}:
        return Relation("")
    return _read_rows(node, query)


def _read_rows(node: Any, query: Query) -> Relation:
    conditions = []
    if _kind(node) != "SelectStmt":
        target = _table(node.relation, query.common)
        query.relations[target.name] = target
    sources = getattr(node, "fromClause", None) or getattr(node, "usingClause", None) or ()
    for source in sources:
        conditions += list(_take_in(source, query))
    if node.whereClause is not None:
        conditions.append(node.whereClause)
    for condition in conditions:
        _equate(condition, query)
    for expression in (*conditions, *_expressions(node)):
        for link in _sublinks(expression):
            _read_sublink(link, query)
    _require_one_home(query)
    return _given(node, query)


def _take_in(source: Any, query: Query) -> Iterator[Any]:
    """Add what stands in a FROM clause to the query, and give the conditions of its joins."""
    if _kind(source) == "JoinExpr":
        yield from _take_in(source.larg, query)
        yield from _take_in(source.rarg, query)
        if source.quals is not None:
            yield source.quals
        return
    if _kind(source) == "RangeVar":
        relation = _table(source, query.common)
    elif _kind(source) == "RangeSubselect":
        around = query if source.lateral else query.around
        inner = Query(query.common, around, query.problems)
        relation = _read(source.subquery, inner)
        for part in inner.relations.values():
            if inner.is_correlated and part.has_rows_of_locations:
                relation.join(part)
        relation.name = source.alias.aliasname
    else:
        names = [name.sval for name in source.alias.colnames or ()]
        keys = {name: _LOCATION[name] for name in names if name in _LOCATION}
        relation = Relation(source.alias.aliasname, keys, bool(keys))
    query.relations[relation.name] = relation


def _table(source: Any, common: Mapping[str, Relation]) -> Relation:
    name = source.relname
    alias = source.alias.aliasname if source.alias else name
    if source.schemaname is None and name in common:
        known = common[name]
        return Relation(alias, known.keys, known.has_rows_of_locations)
    if name in KEYS:
        return Relation(alias, KEYS[name], has_rows_of_locations=True)
    assert name in SAME_EVERYWHERE or name.startswith("pg_"), f"nobody said what {name} holds"
    return Relation(alias)


def _equate(condition: Any, query: Query) -> None:
    """Note what a condition says is of the same location: equalities that must all hold."""
    if _kind(condition) == "BoolExpr" and condition.boolop == BoolExprType.AND_EXPR:
        for part in condition.args:
            _equate(part, query)
    elif (
        _kind(condition) == "A_Expr"
        and condition.kind == A_Expr_Kind.AEXPR_OP
        and condition.name[-1].sval == "="
        and _kind(condition.lexpr) == "ColumnRef"
        and _kind(condition.rexpr) == "ColumnRef"
    ):
        left, right = query.relation_of(condition.lexpr), query.relation_of(condition.rexpr)
        if left and right and left[1] == right[1]:
            left[0].join(right[0])


def _read_sublink(link: Any, query: Query) -> None:
    inner = Query(query.common, query, query.problems)
    given = _read(link.subselect, inner)
    if link.subLinkType != SubLinkType.ANY_SUBLINK or not given.has_rows_of_locations:
        return
    tested = query.relation_of(link.testexpr) if _kind(link.testexpr) == "ColumnRef" else None
    if tested is None or tested[1] not in given.keys.values():
        query.problems.append("IN over rows of locations by something else than their location")


def _require_one_home(query: Query) -> None:
    mine = [each for each in query.relations.values() if each.has_rows_of_locations]
    homes = {id(each.home) for each in mine}
    if len(homes) > 1:
        names = ", ".join(sorted(each.name for each in mine))
        query.problems.append(f"{names} are joined without an equality of their locations")
    around = query.around.relations.values() if query.around else ()
    outer = {id(each.home) for each in around if each.has_rows_of_locations}
    if mine and outer and query.is_correlated and not homes & outer:
        names = ", ".join(sorted(each.name for each in mine))
        query.problems.append(f"{names} is correlated by something else than its location")


def _given(node: Any, query: Query) -> Relation:
    """Return what a statement gives: those of the keys that it hands on."""
    if _kind(node) == "SelectStmt":
        listed = node.targetList or ()
    else:
        listed = node.returningClause.exprs if node.returningClause else ()
    keys: dict[str, str] = {}
    for entry in listed:
        if _kind(entry.val) != "ColumnRef":
            continue
        last = entry.val.fields[-1]
        if _kind(last) == "A_Star":
            wanted = [part.sval for part in entry.val.fields[:-1]]
            for relation in query.relations.values():
                if not wanted or relation.name == wanted[-1]:
                    keys |= relation.keys
            continue
        found = query.relation_of(entry.val)
        if found:
            keys[entry.name or last.sval] = found[1]
    rows = any(each.has_rows_of_locations for each in query.relations.values())
    return Relation("", keys, rows)


def _expressions(node: Any) -> Iterator[Any]:
    for name in ("targetList", "groupClause", "sortClause"):
        yield from getattr(node, name, None) or ()
    if getattr(node, "havingClause", None) is not None:
        yield node.havingClause


def _sublinks(node: Any) -> Iterator[Any]:
    """Give the queries within an expression, but not those within them."""
    if _kind(node) == "SubLink":
        yield node
    elif isinstance(node, tuple):
        for part in node:
            yield from _sublinks(part)
    elif isinstance(node, ast.Node):
        for name in node:
            yield from _sublinks(getattr(node, name))
