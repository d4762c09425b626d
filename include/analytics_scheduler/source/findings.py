"""What the proof of the source contract reports: findings, each with what to run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from psycopg import sql


class Level(StrEnum):
    """How much a finding matters."""

    ERROR = "error"
    """Runs fail, or leave locations out."""
    WARNING = "warning"
    """Runs succeed, but slowly, or figures may not mean what they seem to."""
    NOTE = "note"
    """Good to know; nothing is wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the proof found."""

    level: Level
    what: str
    """The thing itself, by name."""
    why: str
    """What it does to the snapshots."""
    run: str
    """The statement or command that cures it, or what to do; empty where nothing is to be done."""


def error(what: str, why: str, run: str) -> Finding:
    """Return a finding that makes the proof fail."""
    return Finding(Level.ERROR, what, why, run)


def warning(what: str, why: str, run: str) -> Finding:
    """Return a finding that a person should look at."""
    return Finding(Level.WARNING, what, why, run)


def note(what: str, why: str, run: str = "") -> Finding:
    """Return a finding that is only good to know."""
    return Finding(Level.NOTE, what, why, run)


def quoted(*names: str) -> str:
    """Return a name, with its schema where given, as a statement must spell it."""
    return sql.Identifier(*names).as_string()


def how_many(count: int, noun: str) -> str:
    """Return a count with its noun: `1 row`, `2,500 rows`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
