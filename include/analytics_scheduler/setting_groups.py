"""What a setting is, and how a group of settings is read from the environment.

`settings.py` declares the settings themselves.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Generic, Self, TypeVar, cast

from analytics_scheduler.errors import SettingError
from analytics_scheduler.setting_parsers import Parser

Value = TypeVar("Value")
_METADATA_KEY = "setting"


@dataclass(frozen=True, slots=True)
class Setting(Generic[Value]):
    """A variable, its default, its parser, and what it is for.

    `help` is a phrase without a full stop: README's table and the errors show it. Without a default
    the value of an unset variable is None.
    """

    variable: str
    default: str | None
    parser: Parser[Value]
    help: str

    def load(self, environ: Mapping[str, str] | None = None) -> Value:
        """Return the value, or raise SettingError.

        The default stands for a variable that is unset or empty.
        """
        text = environment(environ).get(self.variable) or self.default
        if text is None:
            return cast("Value", None)
        try:
            return self.parser.parse(text)
        except ValueError as error:
            if self.parser.is_secret:
                raise self.refused("***") from None
            reason = f": {error}" if self.parser.explains else ""
            raise self.refused(f"{text!r}{reason}") from error

    def refused(self, got: str) -> SettingError:
        """Return the error that says what is allowed, and what was found instead."""
        return SettingError(
            f"{self.variable} ({self.help}) must be {self.parser.allowed}, got {got}."
        )

    def field(self) -> Value:
        """Return the field of a group that has this setting."""
        return cast("Value", field(metadata={_METADATA_KEY: self}))


def setting(variable: str, default: str | None, parser: Parser[Value], help_: str) -> Value:
    """Declare a setting as a field of a group."""
    return Setting(variable, default, parser, help_).field()


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsGroup:
    """Settings that are read together, so that a bad value stops only what uses it."""

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the group, or raise one SettingError that names every bad variable."""
        values: dict[str, Any] = {}
        problems: list[str] = []
        for name, declared in settings_of(cls).items():
            try:
                values[name] = declared.load(environ)
            except SettingError as error:
                problems.append(str(error))
        if problems:
            raise SettingError(" ".join(problems))
        return cls(**values)


def settings_of(group: type[SettingsGroup]) -> dict[str, Setting[Any]]:
    """Return the settings of a group by the names of its fields."""
    return {entry.name: entry.metadata[_METADATA_KEY] for entry in fields(group)}


def environment(given: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return the given variables, or those of the process if none are given."""
    return os.environ if given is None else given
