"""Check that the four relations exist, have the right types, and can be read."""

from __future__ import annotations

from collections.abc import Iterator

from analytics_scheduler.source.checked_source import CheckedSource
from analytics_scheduler.source.contract import (
    CONTRACT,
    Breach,
    Content,
    ContractProblem,
    find_problems,
)
from analytics_scheduler.source.findings import Finding, error, note, sql_name, warning

# How many decimals a run computes with, and the words for them.
_DECIMALS = {Content.MONEY: (4, "four"), Content.QUANTITY: (3, "three")}
_TYPES = {
    Content.QUANTITY: "integer",
    Content.TEXT: "text",
    Content.LABEL: "text",
    Content.MOMENT: "timestamp",
    Content.ANYTHING: "timestamp",
}


def check_relations(source: CheckedSource) -> Iterator[Finding]:
    """Yield an error for each way in which the relations break the contract."""
    for problem in find_problems(source.columns, source.schema):
        yield error(problem.message, _why(problem), _fix(problem, source))


def check_scales(source: CheckedSource) -> Iterator[Finding]:
    """Yield a note for each cost, price or quantity that can have more decimals than a run uses."""
    for wanted, column in zip(CONTRACT, source.columns, strict=True):
        if wanted.content not in _DECIMALS or column.type_name != "numeric":
            continue
        decimals, word = _DECIMALS[wanted.content]
        if column.type_scale is None or column.type_scale > decimals:
            yield note(
                f"{source.name(column.relation_name)}.{column.column_name} is "
                f"{column.type_shown}, which allows more than {word} decimals.",
                f"A run leaves out, and names, each location with such a {wanted.name}.",
            )


def check_hidden_rows(source: CheckedSource) -> Iterator[Finding]:
    """Yield a warning for each relation that shows this user only some of its rows."""
    for relation in source.relations.values():
        if relation.hides_rows:
            yield warning(
                f"Row-level security may hide rows of {source.name(relation.relation_name)} "
                f"from user {source.user}.",
                "Hidden stock and movements are missing from every figure.",
                f"ALTER ROLE {sql_name(source.user)} BYPASSRLS;  "
                "-- or add a policy that shows this user every row",
            )


def _why(problem: ContractProblem) -> str:
    if problem.breach.is_of_column and problem.column.is_descriptive:
        return "The contract includes it, but no figure depends on it."
    return "Every run would fail."


def _fix(problem: ContractProblem, source: CheckedSource) -> str:
    column, user = problem.column, sql_name(source.user)
    schema, relation = sql_name(source.schema), sql_name(source.schema, column.relation)
    match problem.breach:
        case Breach.NO_SCHEMA:
            return "Set SOURCE_SCHEMA to the schema that contains the inventory."
        case Breach.SCHEMA_NOT_USABLE:
            return f"GRANT USAGE ON SCHEMA {schema} TO {user};"
        case Breach.NO_RELATION:
            return (
                "Set SOURCE_SCHEMA to the schema that contains it, or create a view of a table of "
                f"yours: {_view(relation, column.relation)}"
            )
        case Breach.RELATION_NOT_READABLE | Breach.COLUMN_NOT_READABLE:
            return f"GRANT SELECT ON {relation} TO {user};"
        case Breach.NO_COLUMN | Breach.WRONG_TYPE:
            return _column_fix(problem, source, relation)


def _column_fix(problem: ContractProblem, source: CheckedSource, relation: str) -> str:
    name, type_name = sql_name(problem.column.name), _type_of(problem.column.content)
    if not source.relations[problem.column.relation].is_table:
        return (
            f"Make {relation} return the column {name} as {type_name}: ...::{type_name} AS {name}"
        )
    change = (
        f"ADD COLUMN {name} {type_name}"
        if problem.breach is Breach.NO_COLUMN
        else f"ALTER COLUMN {name} TYPE {type_name} USING {name}::{type_name}"
    )
    return (
        f"ALTER TABLE {relation} {change};  "
        "-- or set SOURCE_SCHEMA to a schema with a view that returns it so"
    )


def _view(view: str, relation: str) -> str:
    columns = ", ".join(
        f"...::{_type_of(column.content)} AS {sql_name(column.name)}"
        for column in CONTRACT
        if column.relation == relation
    )
    return f"CREATE VIEW {view} AS SELECT {columns} FROM ...;"  # noqa: S608 - shown, never run


def _type_of(content: Content) -> str:
    return _TYPES.get(content, content.value)
