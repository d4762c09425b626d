"""The package's SQL as text and as syntax trees, for the tests that hold it to its rules."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pglast import ast, parse_sql
from pglast.parser import ParseError

from analytics_scheduler.queries import SQL_FOLDER, statements

SCHEMAS = frozenset({"source", "analytics"})
_PARAMETER = re.compile(r"%\((\w+)\)s")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
# A placeholder alone in parentheses stands for a query, unless they are those of a function.
_QUERY = re.compile(r"(?<!\w)\(\{\w+\}\)")
# What a placeholder stands for that is neither a name nor a query.
_OTHER: Mapping[str, str] = {"location_reference": "REFERENCES locations (id)"}


@dataclass(frozen=True, slots=True)
class SqlText:
    """A named statement, a part of statements, or a whole migration: its header and its body."""

    name: str
    file: str
    header: str
    body: str

    @property
    def is_part(self) -> bool:
        return self.name.startswith("_")

    @property
    def parameters(self) -> set[str]:
        """The values that the statement needs, those of the parts that it names included."""
        return set(_PARAMETER.findall(self._whole()))

    @property
    def parts(self) -> set[str]:
        """The placeholders of the statement itself, without the schemas."""
        return set(_PLACEHOLDER.findall(self.body)) - SCHEMAS

    def __str__(self) -> str:
        return f"{self.file}:{self.name}"

    def parsed(self) -> list[Any]:
        """Return the statements as syntax trees; a part that is an expression becomes a SELECT."""
        text = self._plain()
        try:
            return [raw.stmt for raw in parse_sql(text)]
        except ParseError:
            if not self.is_part:
                raise
            return [raw.stmt for raw in parse_sql(f"SELECT {text}")]

    def _plain(self) -> str:
        """Return the body with something of the right form for each placeholder.

        A parameter becomes a column of its name, so that what it is compared with can be seen.
        """
        text = re.sub(r"--.*", "", self._whole()).replace("%%", "%")
        text = _QUERY.sub("(SELECT 1)", _PARAMETER.sub(r'"\1"', text))
        return _PLACEHOLDER.sub(lambda match: _OTHER.get(match[1], match[1]), text)

    def _whole(self) -> str:
        """Return the body with the parts that it names."""
        parts = {each.name: each for each in named_statements() if each.name in self.parts}
        return _PLACEHOLDER.sub(
            lambda match: parts[match[1]]._whole().rstrip(";") if match[1] in parts else match[0],
            self.body,
        )


@cache
def named_statements() -> list[SqlText]:
    """Return every named statement and part, in the order of their files."""
    return [
        SqlText(each.name, each.file, *_split(each.text))
        for each in sorted(statements().values(), key=lambda each: each.file)
    ]


def migrations() -> list[SqlText]:
    """Return every migration, in its order."""
    return [
        SqlText(path.stem, path.relative_to(SQL_FOLDER).as_posix(), *_split(path.read_text()))
        for path in sorted((SQL_FOLDER / "migrations").glob("*.sql"))
    ]


def _split(text: str) -> tuple[str, str]:
    """Return the comment that a text begins with, without its dashes, and what follows."""
    lines = text.strip().splitlines()
    end = next(number for number, line in enumerate(lines) if not line.startswith("--"))
    header = "\n".join(line.removeprefix("--").strip() for line in lines[:end])
    return header, "\n".join(lines[end:])


def children(node: Any) -> list[Any]:
    """Return the nodes below a node or a tuple of nodes."""
    if isinstance(node, tuple):
        return [entry for entry in node if isinstance(entry, ast.Node | tuple)]
    found = [getattr(node, name) for name in node] if isinstance(node, ast.Node) else []
    return [entry for entry in found if isinstance(entry, ast.Node | tuple)]


def every_node(node: Any) -> list[Any]:
    """Return a node and all nodes below it, from the top down."""
    found: list[Any] = [node] if isinstance(node, ast.Node) else []
    for child in children(node):
        found += every_node(child)
    return found
