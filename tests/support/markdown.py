"""Tables of the pages, for the tests that compare them with the code."""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
README = REPOSITORY / "README.md"


def tables(text: str) -> list[list[tuple[str, ...]]]:
    """Return the tables of a Markdown text: rows of cells without backquotes, header first."""
    found: list[list[tuple[str, ...]]] = []
    inside = False
    for line in text.splitlines():
        is_row = line.lstrip().startswith("|")
        if is_row and not inside:
            found.append([])
        inside = is_row
        if is_row and not re.fullmatch(r"[|\s:-]+", line):
            cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
            found[-1].append(tuple(cell.strip().replace("`", "") for cell in cells))
    return found


def table_headed(text: str, first_cell: str) -> list[tuple[str, ...]]:
    """Return the rows below the header of the table whose first column has this name."""
    for header, *rows in tables(text):
        if header[0].casefold() == first_cell.casefold():
            return rows
    raise AssertionError(f"There is no table whose first column is called {first_cell!r}.")
