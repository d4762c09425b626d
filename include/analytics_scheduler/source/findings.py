"""What the `check` command reports: findings, each with what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from analytics_scheduler.vocabulary import CheckLevel


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found; the fields are the keys of `check --json`.

    `what` names the thing, `why` says what it means for the snapshots, and `run` is the statement
    or command that fixes it, or what else to do; it is empty if there is nothing to do.
    """

    level: CheckLevel
    what: str
    why: str
    run: str


def error(what: str, why: str, run: str) -> Finding:
    """Return a finding that makes `check` fail."""
    return Finding(CheckLevel.ERROR, what, why, run)


def warning(what: str, why: str, run: str) -> Finding:
    """Return a finding that someone should look at."""
    return Finding(CheckLevel.WARNING, what, why, run)


def note(what: str, why: str, run: str = "") -> Finding:
    """Return a finding that needs no action."""
    return Finding(CheckLevel.NOTE, what, why, run)


def sql_name(*names: str) -> str:
    """Return an identifier, qualified if several names are given, quoted for a statement."""
    return sql.Identifier(*names).as_string()
