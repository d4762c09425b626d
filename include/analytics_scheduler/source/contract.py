"""The source contract itself: four relations, their columns, and what each must hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

MOVEMENT_TYPES = ("in", "out", "waste", "adjustment")


class Content(Enum):
    """What a column must hold, in the words that a message uses."""

    IDENTIFIER = "uuid"
    TEXT = "text or varchar"
    LABEL = "text, varchar or an enum"
    BOOLEAN = "boolean"
    MONEY = "numeric(10,2)"
    QUANTITY = "integer"
    MOMENT = "timestamp (in UTC) or timestamptz"
    ANYTHING = "any type"

    def accepts(self, type_name: str, type_category: str) -> bool:
        """Return whether a type of the catalog can hold this content."""
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
    Content.QUANTITY: frozenset({"int2", "int4", "int8"}),
    Content.MOMENT: frozenset({"timestamp", "timestamptz"}),
}


@dataclass(frozen=True, slots=True)
class ContractColumn:
    """One column of the contract; a run reads it unless it only describes."""

    relation: str
    name: str
    content: Content
    only_describes: bool = False

    def __str__(self) -> str:
        return f"{self.relation}.{self.name}"


CONTRACT = (
    ContractColumn("locations", "id", Content.IDENTIFIER),
    ContractColumn("locations", "name", Content.TEXT),
    ContractColumn("locations", "is_active", Content.BOOLEAN),
    ContractColumn("products", "id", Content.IDENTIFIER),
    ContractColumn("products", "name", Content.TEXT, only_describes=True),
    ContractColumn("products", "sku", Content.TEXT, only_describes=True),
    ContractColumn("products", "category", Content.LABEL, only_describes=True),
    ContractColumn("products", "cost", Content.MONEY),
    ContractColumn("products", "price", Content.MONEY),
    ContractColumn("inventory_items", "product_id", Content.IDENTIFIER),
    ContractColumn("inventory_items", "location_id", Content.IDENTIFIER),
    ContractColumn("inventory_items", "quantity", Content.QUANTITY),
    ContractColumn("inventory_items", "last_updated", Content.ANYTHING, only_describes=True),
    ContractColumn("stock_movements", "product_id", Content.IDENTIFIER),
    ContractColumn("stock_movements", "location_id", Content.IDENTIFIER),
    ContractColumn("stock_movements", "quantity", Content.QUANTITY),
    ContractColumn("stock_movements", "type", Content.LABEL),
    ContractColumn("stock_movements", "reason", Content.LABEL, only_describes=True),
    ContractColumn("stock_movements", "created_at", Content.MOMENT),
)
RELATIONS = tuple(dict.fromkeys(column.relation for column in CONTRACT))
