"""Prove the four relations: that they exist, hold the right types and can be read."""

from __future__ import annotations

from collections.abc import Iterator

from analytics_scheduler.source.catalog import Source
from analytics_scheduler.source.contract import CONTRACT, Content
from analytics_scheduler.source.findings import Finding, error, note, quoted, warning
from analytics_scheduler.source.shape import ShapeProblem, shape_problems

_CENTS_SCALE = 2
_STOPS = "Every run would stop here."
_TYPES = {
    Content.TEXT: "text",
    Content.LABEL: "text",
    Content.MOMENT: "timestamp",
    Content.ANYTHING: "timestamp",
}


def shape_findings(source: Source) -> Iterator[Finding]:
    """Give a finding for each way in which the relations do not keep the contract."""
    for problem in shape_problems(source.columns, source.settings):
        yield error(problem.what, _why(problem), _cure(problem, source))


def scale_findings(source: Source) -> Iterator[Finding]:
    """Give a note for each cost or price that can hold parts of a cent."""
    for column in source.columns:
        if column.type_name == "numeric" and not (
            column.type_scale is not None and column.type_scale <= _CENTS_SCALE
        ):
            yield note(
                f"{source.name(column.relation_name)}.{column.column_name} is "
                f"{column.type_shown}: it can hold more than two decimals.",
                "A cost or price with more than two decimals makes the locations that hold or "
                "move the product fail by name.",
            )


def hidden_row_findings(source: Source) -> Iterator[Finding]:
    """Give a warning for each relation that shows this user only some of its rows."""
    for relation in source.relations.values():
        if relation.hides_rows:
            yield warning(
                f"Row level security may hide rows of {source.name(relation.relation_name)} "
                f"from the user {source.user}.",
                "Stock and movements that cannot be seen are missing from every figure.",
                f"ALTER ROLE {quoted(source.user)} BYPASSRLS;  "
                "-- or a policy that shows this user every row",
            )


def _why(problem: ShapeProblem) -> str:
    if problem.cause in {"column", "type", "privilege"} and problem.column.only_describes:
        return "No figure depends on it, but the contract names it."
    return _STOPS


def _cure(problem: ShapeProblem, source: Source) -> str:
    schema, column = source.settings.source_schema, problem.column
    if problem.cause == "schema":
        return "Set SOURCE_SCHEMA to the schema that holds the inventory."
    if problem.cause == "usage":
        return f"GRANT USAGE ON SCHEMA {quoted(schema)} TO {quoted(source.user)};"
    if problem.cause == "relation":
        return (
            "Set SOURCE_SCHEMA to the schema that holds it, or map a table of yours: "
            f"{_view_of(schema, column.relation)}"
        )
    relation = quoted(schema, column.relation)
    if problem.cause == "privilege":
        return f"GRANT SELECT ON {relation} TO {quoted(source.user)};"
    name, kind = quoted(column.name), _type_of(column.content)
    if not source.relations[column.relation].is_table:
        return f"Let {relation} give the column {name} as {kind}: ...::{kind} AS {name}"
    change = (
        f"ADD COLUMN {name} {kind}"
        if problem.cause == "column"
        else f"ALTER COLUMN {name} TYPE {kind} USING {name}::{kind}"
    )
    return (
        f"ALTER TABLE {relation} {change};  "
        "-- or set SOURCE_SCHEMA to a schema with a view that gives it so"
    )


def _view_of(schema: str, relation: str) -> str:
    columns = ", ".join(
        f"...::{_type_of(column.content)} AS {quoted(column.name)}"
        for column in CONTRACT
        if column.relation == relation
    )
    view = quoted(schema, relation)
    return f"CREATE VIEW {view} AS SELECT {columns} FROM ...;"  # noqa: S608 - shown, never run


def _type_of(content: Content) -> str:
    return _TYPES.get(content, content.value)
