"""The package's SQL: named statements in files below `sql/`, and the one way to run them.

A statement begins with `-- name: <name>` and a header that says what it is for. `%(name)s` is a
value; `{source}` and `{analytics}` are the two schemas, quoted by the driver. A name that begins
with an underscore is a part: `{_part}` in a statement stands for its text. The caller chooses what
other placeholders stand for: a text, or the name of a part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from psycopg import sql
from psycopg.rows import class_row, tuple_row

if TYPE_CHECKING:
    from psycopg import Connection, Copy, Cursor

    from analytics_scheduler.settings import DatabaseSettings

SQL_FOLDER = Path(__file__).parent / "sql"
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
# A doubled percent sign stands for itself, as in the name of a schema.
_PARAMETER = re.compile(r"%%|%\((\w+)\)s")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
Parts: TypeAlias = tuple[tuple[str, str], ...]
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Statement:
    """The text of a named statement or part, header included, and the file that holds it."""

    name: str
    file: str
    text: str


@cache
def statements() -> Mapping[str, Statement]:
    """Return every named statement below `sql/`; two of one name raise ValueError."""
    found: dict[str, Statement] = {}
    for path in sorted(SQL_FOLDER.rglob("*.sql")):
        file = path.relative_to(SQL_FOLDER).as_posix()
        _, *pieces = _NAME.split(path.read_text(encoding="utf-8"))
        for name, body in zip(pieces[::2], pieces[1::2], strict=True):
            if name in found:
                raise ValueError(f"{file} and {found[name].file} both name a statement {name}.")
            found[name] = Statement(name, file, f"-- name: {name}\n{body.strip()}\n")
    return found


@dataclass(frozen=True, slots=True)
class Rendered:
    """A statement that can be executed, and the names of the values that it needs."""

    text: sql.SQL
    parameters: frozenset[str]


@cache
def render(name: str, source: str, analytics: str, parts: Parts = ()) -> Rendered:
    """Return a statement with its schemas and parts put in.

    `parts` are pairs of a placeholder and the text that it stands for, such as a list of columns.
    """
    schemas = {"source": _quoted(source), "analytics": _quoted(analytics)}
    text = _filled(name, {**schemas, **dict(parts)})
    return Rendered(sql.SQL(text), frozenset(_PARAMETER.findall(text)) - {""})


def _quoted(schema: str) -> str:
    # A percent sign in a name would begin a parameter.
    return sql.Identifier(schema).as_string(None).replace("%", "%%")


def _filled(name: str, values: Mapping[str, str]) -> str:
    statement = statements()[name]

    def value_of(match: re.Match[str]) -> str:
        key = match[1]
        if key.startswith("_"):
            return _body(_filled(key, values))
        if key not in values:
            raise KeyError(f"{statement.file}: {name} needs a value for {{{key}}}.")
        value = values[key]
        return _body(_filled(value, values)) if value in statements() else value

    return _PLACEHOLDER.sub(value_of, statement.text)


def _body(text: str) -> str:
    """Return a statement without its header."""
    lines = text.strip().splitlines()
    while lines[0].startswith("--"):
        lines.pop(0)
    return "\n".join(lines).removesuffix(";")


@dataclass(frozen=True, slots=True)
class Queries:
    """Runs the named statements on a connection, in the schemas of the settings."""

    connection: Connection[Any]
    settings: DatabaseSettings

    def run(
        self,
        name: str,
        /,
        *,
        parts: Mapping[str, str] | None = None,
        row_factory: Any = None,
        **parameters: Any,
    ) -> Cursor[Any]:
        """Execute a statement and return its cursor; no transaction is committed.

        `parts` fill placeholders other than the schemas, such as a list of columns. A parameter
        that the statement does not know, or lacks, raises TypeError.
        """
        text = self._text(name, parts, parameters)
        cursor = self.connection.cursor(row_factory=row_factory or tuple_row)
        return cursor.execute(text, parameters)

    def value(self, name: str, /, **parameters: Any) -> Any:
        """Return the first column of a statement's first row, or None if it has no row."""
        row = self.run(name, **parameters).fetchone()
        return row[0] if row else None

    def row(self, name: str, row_class: type[Row], /, **parameters: Any) -> Row:
        """Return the one row of a statement; the fields of its class are the columns."""
        row: Row
        [row] = self.run(name, row_factory=class_row(row_class), **parameters).fetchall()
        return row

    @contextmanager
    def stream(
        self,
        name: str,
        /,
        *,
        size: int,
        parts: Mapping[str, str] | None = None,
        **parameters: Any,
    ) -> Iterator[Iterator[tuple[Any, ...]]]:
        """Give the rows of a statement one by one, `size` of them fetched at a time."""
        text = self._text(name, parts, parameters)
        with self.connection.cursor(name=name) as cursor:
            cursor.itersize = size
            yield iter(cursor.execute(text, parameters))

    def copy(self, name: str) -> AbstractContextManager[Copy]:
        """Return the COPY that a statement begins, to write rows to."""
        # The driver leaves a COPY as it is: no parameters, no doubled percent signs.
        text = self._text(name, None, {}).as_string(self.connection).replace("%%", "%")
        return self.connection.cursor().copy(sql.SQL(text))

    def _text(
        self, name: str, parts: Mapping[str, str] | None, parameters: Mapping[str, Any]
    ) -> sql.SQL:
        schemas = self.settings.source_schema, self.settings.analytics_schema
        rendered = render(name, *schemas, tuple((parts or {}).items()))
        if parameters.keys() != rendered.parameters:
            wanted, given = sorted(rendered.parameters), sorted(parameters)
            raise TypeError(f"{name} takes the parameters {wanted}, got {given}.")
        return rendered.text
