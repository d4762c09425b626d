"""Parsers of settings: how the text of a variable becomes a value, and which texts are allowed.

The sentence about what is allowed is made from the bounds that the parser checks, so that README's
table and the errors always state the real ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from analytics_scheduler.cron import parse_schedule
from analytics_scheduler.periods import WEEKDAYS
from analytics_scheduler.redaction import Secret
from analytics_scheduler.vocabulary import AlertEvent

Value = TypeVar("Value")
Value_co = TypeVar("Value_co", covariant=True)

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})
_LONGEST_AGE = 100_000
_AGE_FORM = re.compile(r"(?P<count>[0-9]+)(?:\s*(?P<unit>day|week|month|year)s?)?")
_IDENTIFIER_BYTES = 63  # PostgreSQL cuts longer names without an error.
_SHORTEST_SECRET = 16


@dataclass(frozen=True, slots=True)
class Parser(Generic[Value_co]):
    """Reads one kind of value.

    `allowed` completes the sentence "the variable must be ...". `parse` raises ValueError for any
    other text. Neither the text nor the error may be shown if `is_secret`; if `explains`, the error
    says what is wrong with the text.
    """

    parse: Callable[[str], Value_co]
    allowed: str
    is_secret: bool = False
    explains: bool = False


def _parser(
    allowed: str, *, is_secret: bool = False, explains: bool = False
) -> Callable[[Callable[[str], Value]], Parser[Value]]:
    """Make a parser of the decorated function."""

    def decorate(parse: Callable[[str], Value]) -> Parser[Value]:
        return Parser(parse, allowed, is_secret, explains)

    return decorate


@dataclass(frozen=True, slots=True)
class Age:
    """A length of time in calendar units; "forever" is None instead."""

    count: int
    unit: str

    def __str__(self) -> str:
        return f"{self.count} {self.unit}{'' if self.count == 1 else 's'}"


@_parser("true or false")
def boolean(text: str) -> bool:
    """Read a truth value; 1, yes, on, 0, no and off are understood too."""
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValueError(text)


def whole_number(minimum: int, maximum: int) -> Parser[int]:
    """Return the parser of whole numbers between two bounds, both included."""

    @_parser(f"a whole number from {minimum} to {maximum}")
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text.strip()):
            raise ValueError(text)
        number = int(text)
        if not minimum <= number <= maximum:
            raise ValueError(text)
        return number

    return parse


@_parser("an IANA time zone name such as Europe/Berlin")
def timezone(text: str) -> ZoneInfo:
    """Read the name of a time zone."""
    try:
        return ZoneInfo(text.strip())
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(text) from error


@_parser(f"a weekday in English, {WEEKDAYS[0]} to {WEEKDAYS[-1]}")
def weekday(text: str) -> int:
    """Read a weekday as a number; Monday is 0."""
    return WEEKDAYS.index(text.strip().lower())


@_parser(f"1 to {_LONGEST_AGE} days, weeks, months or years, such as 90 days, or forever")
def age(text: str) -> Age | None:
    """Read a length of time; a bare number means days, and "forever" is None."""
    word = text.strip().lower()
    if word == "forever":
        return None
    match = _AGE_FORM.fullmatch(word)
    if match is None or not 1 <= int(match["count"]) <= _LONGEST_AGE:
        raise ValueError(text)
    return Age(int(match["count"]), match["unit"] or "day")


@_parser(f"a name of 1 to {_IDENTIFIER_BYTES} bytes")
def identifier(text: str) -> str:
    """Read a name that PostgreSQL accepts whole."""
    if not text or "\0" in text or len(text.encode()) > _IDENTIFIER_BYTES:
        raise ValueError(text)
    return text


@_parser("one or more Redis patterns separated by commas, none of which matches every key")
def patterns(text: str) -> tuple[str, ...]:
    """Read Redis key patterns."""
    found = _split(text)
    if not found or not all(pattern.strip("*?") for pattern in found):
        raise ValueError(text)
    return found


def comma_separated(what: str) -> Parser[tuple[str, ...]]:
    """Return the parser of a list, which may be empty, of what the argument names."""
    return Parser(_split, f"{what} separated by commas")


@_parser(f"one or more of {', '.join(AlertEvent.stored())}, separated by commas")
def alert_events(text: str) -> frozenset[AlertEvent]:
    """Read a selection of alert events."""
    found = frozenset(AlertEvent(word.lower()) for word in _split(text))
    if not found or not found <= set(AlertEvent.stored()):
        raise ValueError(text)
    return found


@_parser(
    "a cron string of five fields, or of six of which the first, the seconds, is 0", explains=True
)
def cron(text: str) -> str:
    """Read a cron string as an expression of five fields."""
    return parse_schedule(text)


def _url(example: str, *schemes: str) -> Parser[Secret]:
    """Return the parser of URLs with one of the schemes; the value is hidden."""

    @_parser(f"a URL such as {example}", is_secret=True)
    def parse(text: str) -> Secret:
        if not text.strip().startswith(tuple(f"{scheme}://" for scheme in schemes)):
            raise ValueError(text)
        return Secret(text.strip())

    return parse


postgres_url = _url(
    "postgresql://user:password@host:5432/database", "postgres", "postgresql", "postgresql+psycopg"
)
redis_url = _url(
    "redis://:password@host:6379/0", "redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel"
)


@_parser(
    "an http or https URL without user or password, such as "
    "https://alerts.example.com/hooks/inventory",
    is_secret=True,
)
def webhook_url(text: str) -> Secret:
    """Read a web address; the value is hidden, because its path may be a secret."""
    parts = urlsplit(text.strip())
    if not re.fullmatch(r"[!-~]+", text.strip()) or "@" in parts.netloc:
        raise ValueError(text)
    # Reading the port raises ValueError if it is not a number from 0 to 65535.
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:
        raise ValueError(text)
    return Secret(text.strip())


@_parser(f"a text of at least {_SHORTEST_SECRET} characters", is_secret=True)
def signing_secret(text: str) -> Secret:
    """Read a secret that is long enough to sign with; the value is hidden."""
    if len(text) < _SHORTEST_SECRET:
        raise ValueError(text)
    return Secret(text)


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
