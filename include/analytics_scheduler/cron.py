"""Cron strings: five fields, or six as node-cron writes them, with the seconds first."""

from __future__ import annotations

from dataclasses import dataclass

_FIELDS = 5
_NODE_CRON_FIELDS = 6
_MAX_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule of five cron fields, as Airflow takes it."""

    expression: str

    def __str__(self) -> str:
        return self.expression


def parse_schedule(text: str) -> Schedule:
    """Return the schedule that a cron string names, or raise ValueError with the reason.

    Six fields are read as node-cron does, seconds first, and only the seconds 0 are taken: a task
    runs at most once a minute. Airflow itself would read a sixth field as seconds at the end.
    """
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(f"it is longer than {_MAX_CHARACTERS} characters")
    parts = text.split()
    if len(parts) == _NODE_CRON_FIELDS:
        seconds, *parts = parts
        if seconds not in {"0", "00"}:
            raise ValueError(
                f"its seconds field is {seconds!r}, and tasks start at second 0 of a minute"
            )
    if len(parts) != _FIELDS:
        raise ValueError(f"it has {len(text.split())} fields")
    if any(part[0] in "rR" for part in parts):
        raise ValueError("a random field would change with every reading")
    from croniter import CroniterBadCronError, croniter

    expression = " ".join(parts)
    try:
        croniter(expression).get_next()
    except (CroniterBadCronError, ValueError, KeyError) as error:
        raise ValueError(f"{error}") from error
    return Schedule(expression)
