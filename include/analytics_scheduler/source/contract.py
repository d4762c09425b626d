"""The source contract: the four relations that the package reads, and what each column must hold.

`read_source_shape` compares the database with it at the start of every run; the `check` command
reports every difference, and how to fix it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from analytics_scheduler.errors import SchemaError
from analytics_scheduler.queries import Queries
from analytics_scheduler.source.catalog import FoundColumn, read_columns

_MESSAGES_SHOWN = 3


class Content(Enum):
    """What a column must hold; the value is the wording of messages."""

    IDENTIFIER = "uuid"
    TEXT = "text or varchar"
    LABEL = "text, varchar or an enum"
    BOOLEAN = "boolean"
    MONEY = "numeric(10,2)"
    QUANTITY = "integer or numeric(12,3)"
    MOMENT = "timestamp (in UTC) or timestamptz"
    ANYTHING = "any type"

    def accepts(self, type_name: str, type_category: str) -> bool:
        """Return whether a type can hold this content; both arguments are columns of `pg_type`."""
        if self is Content.ANYTHING:
            return True
        if self is Content.TEXT:
            return type_category == "S"
        if self is Content.LABEL:
            return type_category in {"S", "E"}
        return type_name in _TYPE_NAMES[self]


_TYPE_NAMES: Mapping[Content, frozenset[str]] = {
    Content.IDENTIFIER: frozenset({"uuid"}),
    Content.BOOLEAN: frozenset({"bool"}),
    Content.MONEY: frozenset({"numeric"}),
    Content.QUANTITY: frozenset({"int2", "int4", "int8", "numeric"}),
    Content.MOMENT: frozenset({"timestamp", "timestamptz"}),
}


@dataclass(frozen=True, slots=True)
class ContractColumn:
    """A column of the contract. No figure depends on one that is only descriptive."""

    relation: str
    name: str
    content: Content
    is_descriptive: bool = False

    def __str__(self) -> str:
        return f"{self.relation}.{self.name}"


CONTRACT = (
    ContractColumn("locations", "id", Content.IDENTIFIER),
    ContractColumn("locations", "name", Content.TEXT),
    ContractColumn("locations", "is_active", Content.BOOLEAN),
    ContractColumn("products", "id", Content.IDENTIFIER),
    ContractColumn("products", "name", Content.TEXT, is_descriptive=True),
    ContractColumn("products", "sku", Content.TEXT, is_descriptive=True),
    ContractColumn("products", "category", Content.LABEL, is_descriptive=True),
    ContractColumn("products", "cost", Content.MONEY),
    ContractColumn("products", "price", Content.MONEY),
    ContractColumn("inventory_items", "product_id", Content.IDENTIFIER),
    ContractColumn("inventory_items", "location_id", Content.IDENTIFIER),
    ContractColumn("inventory_items", "quantity", Content.QUANTITY),
    ContractColumn("inventory_items", "last_updated", Content.ANYTHING, is_descriptive=True),
    ContractColumn("stock_movements", "product_id", Content.IDENTIFIER),
    ContractColumn("stock_movements", "location_id", Content.IDENTIFIER),
    ContractColumn("stock_movements", "quantity", Content.QUANTITY),
    ContractColumn("stock_movements", "type", Content.LABEL),
    ContractColumn("stock_movements", "reason", Content.LABEL, is_descriptive=True),
    ContractColumn("stock_movements", "created_at", Content.MOMENT),
)
RELATIONS = tuple(dict.fromkeys(column.relation for column in CONTRACT))


class Breach(Enum):
    """How a database can break the contract, the largest breach first."""

    NO_SCHEMA = auto()
    SCHEMA_NOT_USABLE = auto()
    NO_RELATION = auto()
    RELATION_NOT_READABLE = auto()
    NO_COLUMN = auto()
    WRONG_TYPE = auto()
    COLUMN_NOT_READABLE = auto()

    @property
    def is_of_column(self) -> bool:
        """Whether a single column is affected, rather than its relation or schema."""
        return self in {Breach.NO_COLUMN, Breach.WRONG_TYPE, Breach.COLUMN_NOT_READABLE}


@dataclass(frozen=True, slots=True)
class ContractProblem:
    """One way in which the database breaks the contract, with the first column it affects."""

    breach: Breach
    column: ContractColumn
    message: str


@dataclass(frozen=True, slots=True)
class SourceShape:
    """What a run must know of the source before it reads it."""

    created_at_is_timestamptz: bool
    has_fractional_quantities: bool


def read_source_shape(queries: Queries) -> SourceShape:
    """Return the shape of the source, or raise SchemaError if a run could not read it.

    One query of the catalog, a few milliseconds. Descriptive columns are not checked.
    """
    wanted = [column for column in CONTRACT if not column.is_descriptive]
    found = read_columns(queries, [(column.relation, column.name) for column in wanted])
    problems = find_problems(found, queries.settings.source_schema, wanted)
    if problems:
        messages = [problem.message for problem in problems[:_MESSAGES_SHOWN]]
        more = len(problems) - len(messages)
        rest = f" And {more} more." if more else ""
        raise SchemaError(
            f"{' '.join(messages)}{rest} Run: analytics-scheduler check. It lists every problem "
            "of the source and how to fix it."
        )
    types = {(column.relation_name, column.column_name): column.type_name for column in found}
    return SourceShape(
        created_at_is_timestamptz=types["stock_movements", "created_at"] == "timestamptz",
        has_fractional_quantities="numeric"
        in {types[relation, "quantity"] for relation in ("inventory_items", "stock_movements")},
    )


def find_problems(
    found: Sequence[FoundColumn], schema: str, wanted: Sequence[ContractColumn] = CONTRACT
) -> list[ContractProblem]:
    """Return how the found columns break the contract, in the contract's order.

    A problem of the schema or of a relation is returned once, not once for each column.
    """
    problems: dict[tuple[Breach, str], ContractProblem] = {}
    readable = {column.relation_name for column in found if column.is_readable}
    for column, state in zip(wanted, found, strict=True):
        breach = _breach(column, state)
        if breach is Breach.COLUMN_NOT_READABLE and column.relation not in readable:
            breach = Breach.RELATION_NOT_READABLE
        if breach is not None:
            subject = _subject(breach, column, schema)
            problem = ContractProblem(breach, column, _message(breach, column, state, subject))
            problems.setdefault((breach, subject), problem)
    return list(problems.values())


def complete_relations(found: Sequence[FoundColumn]) -> frozenset[str]:
    """Return the relations that keep the contract in every column, from all of its columns."""
    broken = {
        column.relation
        for column, state in zip(CONTRACT, found, strict=True)
        if _breach(column, state) is not None
    }
    return frozenset(RELATIONS) - broken


def _breach(column: ContractColumn, found: FoundColumn) -> Breach | None:
    if not found.schema_exists:
        return Breach.NO_SCHEMA
    if not found.schema_usable:
        return Breach.SCHEMA_NOT_USABLE
    if found.relation_kind is None:
        return Breach.NO_RELATION
    if found.type_name is None or found.type_category is None:
        return Breach.NO_COLUMN
    if not column.content.accepts(found.type_name, found.type_category):
        return Breach.WRONG_TYPE
    return None if found.is_readable else Breach.COLUMN_NOT_READABLE


def _subject(breach: Breach, column: ContractColumn, schema: str) -> str:
    if breach in {Breach.NO_SCHEMA, Breach.SCHEMA_NOT_USABLE}:
        return schema
    return f"{schema}.{column if breach.is_of_column else column.relation}"


def _message(breach: Breach, column: ContractColumn, found: FoundColumn, subject: str) -> str:
    required = f"the source contract requires {column.content.value}"
    return {
        Breach.NO_SCHEMA: f"The source schema {subject} does not exist.",
        Breach.SCHEMA_NOT_USABLE: f"The user has no USAGE privilege on schema {subject}.",
        Breach.NO_RELATION: f"There is no table or view {subject}.",
        Breach.RELATION_NOT_READABLE: f"The user has no SELECT privilege on {subject}.",
        Breach.NO_COLUMN: f"There is no column {subject}; {required}.",
        Breach.WRONG_TYPE: f"{subject} is {found.type_shown}; {required}.",
        Breach.COLUMN_NOT_READABLE: f"The user has no SELECT privilege on {subject}.",
    }[breach]
