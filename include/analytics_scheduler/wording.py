"""Words for counts in messages."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: `1 row`, `2,500 rows`.

    Pass the plural where it is not the noun with an s: `rows of stock`.
    """
    word = noun if number == 1 else plural or f"{noun}s"
    return f"{number:,} {word}"
