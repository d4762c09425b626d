"""Parsers of settings: a text to a value, or ValueError where it cannot be used."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from analytics_scheduler.periods import WEEKDAYS
from analytics_scheduler.redaction import Secret
from analytics_scheduler.vocabulary import AlertEvent

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})
_LONGEST_AGE = 100_000
_AGE_FORM = re.compile(r"(?P<count>[0-9]+)\s*(?P<unit>day|week|month|year)?s?")
_IDENTIFIER_BYTES = 63
_SHORTEST_SECRET = 16


@dataclass(frozen=True, slots=True)
class Age:
    """A length of time in calendar units; `forever` is no Age at all but None."""

    count: int
    unit: str

    def __str__(self) -> str:
        return f"{self.count} {self.unit}{'' if self.count == 1 else 's'}"


def boolean(text: str) -> bool:
    """Return the truth value that a word names."""
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(text)


def whole_number(minimum: int, maximum: int) -> Callable[[str], int]:
    """Return a parser of whole numbers between two bounds, both allowed."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text.strip()):
            raise ValueError(text)
        number = int(text)
        if not minimum <= number <= maximum:
            raise ValueError(text)
        return number

    return parse


def timezone(text: str) -> ZoneInfo:
    """Return the IANA time zone of a name."""
    try:
        return ZoneInfo(text.strip())
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(text) from error


def weekday(text: str) -> int:
    """Return the number of an English weekday, Monday being 0."""
    return WEEKDAYS.index(text.strip().lower())


def age(text: str) -> Age | None:
    """Return a length of time in days, weeks, months or years; None for `forever`."""
    word = text.strip().lower()
    if word == "forever":
        return None
    match = _AGE_FORM.fullmatch(word)
    if match is None or not 1 <= int(match["count"]) <= _LONGEST_AGE:
        raise ValueError(text)
    return Age(int(match["count"]), match["unit"] or "day")


def identifier(text: str) -> str:
    """Return a name that PostgreSQL takes whole."""
    if not text or "\0" in text or len(text.encode()) > _IDENTIFIER_BYTES:
        raise ValueError(text)
    return text


def patterns(text: str) -> tuple[str, ...]:
    """Return comma-separated Redis patterns, of which there is at least one."""
    patterns = tuple(part.strip() for part in text.split(",") if part.strip())
    if not patterns or not all(pattern.strip("*?") for pattern in patterns):
        raise ValueError(text)
    return patterns


def words(text: str) -> tuple[str, ...]:
    """Return comma-separated words."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def url(*schemes: str) -> Callable[[str], Secret]:
    """Return a parser of URLs of these schemes, which hides what it read."""

    def parse(text: str) -> Secret:
        if not text.strip().startswith(tuple(f"{scheme}://" for scheme in schemes)):
            raise ValueError(text)
        return Secret(text.strip())

    return parse


def webhook_url(text: str) -> Secret:
    """Return a web address that has a host and no user, hidden, since its path may be a secret."""
    parts = urlsplit(text.strip())
    if not re.fullmatch(r"[!-~]+", text.strip()) or "@" in parts.netloc:
        raise ValueError(text)
    # Reading the port raises ValueError where it is none.
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:
        raise ValueError(text)
    return Secret(text.strip())


def signing_secret(text: str) -> Secret:
    """Return a secret that is long enough to sign with, hidden."""
    if len(text) < _SHORTEST_SECRET:
        raise ValueError(text)
    return Secret(text)


def alert_events(text: str) -> frozenset[AlertEvent]:
    """Return the alert events that are selected, at least one."""
    selected = frozenset(AlertEvent(word.lower()) for word in words(text))
    if not selected or not selected <= set(AlertEvent.stored()):
        raise ValueError(text)
    return selected
