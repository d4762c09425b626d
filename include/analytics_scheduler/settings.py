"""Every setting of the package: read from the environment here, and nowhere else.

Settings come in groups, one frozen dataclass each, so that a bad value stops only what uses it.
A field carries its variable, its parser and what is allowed; the README's table is checked
against these fields.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self
from zoneinfo import ZoneInfo

from analytics_scheduler import setting_parsers as values
from analytics_scheduler.cron import CronClock, parse_schedule
from analytics_scheduler.errors import SettingError
from analytics_scheduler.periods import Calendar
from analytics_scheduler.redaction import Secret
from analytics_scheduler.setting_parsers import Age
from analytics_scheduler.vocabulary import AlertEvent, PeriodType

_LOGGER = logging.getLogger(__name__)


def _setting(
    variable: str,
    default: str | None,
    parse: Callable[[str], Any],
    allowed: str,
    *,
    secret: bool = False,
) -> Any:
    metadata = {
        "variable": variable,
        "default": default,
        "parse": parse,
        "allowed": allowed,
        "secret": secret,
    }
    return field(metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsGroup:
    """A group of settings; subclasses hold the fields."""

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read and validate the group, or raise SettingError that names every bad variable.

        An unset or empty variable stands for the default.
        """
        source = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        problems: list[str] = []
        for entry in fields(cls):
            meta = entry.metadata
            text = source.get(meta["variable"]) or meta["default"]
            try:
                values[entry.name] = None if text is None else meta["parse"](text)
            except ValueError:
                quoted = "***" if meta["secret"] else repr(text)
                problems.append(
                    f"{meta['variable']}={quoted} cannot be used: allowed is {meta['allowed']}."
                )
        if problems:
            raise SettingError(" ".join(problems))
        return cls(**values)


_CRON = "a cron string of five fields, or six (seconds first) with the seconds 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarSettings(SettingsGroup):
    """What a day and a week are."""

    timezone: ZoneInfo = _setting(
        "SCHEDULER_TIMEZONE", "UTC", values.timezone, "an IANA time zone name such as Europe/Berlin"
    )
    week_start: int = _setting(
        "SCHEDULER_WEEK_START", "sunday", values.weekday, "a weekday in English, monday to sunday"
    )

    def calendar(self) -> Calendar:
        """Return the calendar that these settings describe."""
        return Calendar(self.timezone, self.week_start)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSettings(SettingsGroup):
    """Whether and when the documented tasks run."""

    enabled: bool = _setting("SCHEDULER_ENABLED", "true", values.boolean, "true or false")
    timezone: ZoneInfo = _setting(
        "SCHEDULER_TIMEZONE", "UTC", values.timezone, "an IANA time zone name such as Europe/Berlin"
    )

    def clock(self, expression: str) -> CronClock | None:
        """Return the clock of a cron expression, or None while SCHEDULER_ENABLED is false."""
        return CronClock(expression, self.timezone) if self.enabled else None


SCHEDULE_DEFAULTS: Mapping[str, str] = {
    "daily-snapshot": "0 2 * * *",
    "weekly-snapshot": "0 3 * * 0",
    "monthly-snapshot": "0 4 1 * *",
    "cache-cleanup": "0 * * * *",
    "snapshot-retention": "30 5 * * *",
}


def schedule_variable(task: str) -> str:
    """Return the variable that sets a task's schedule: `SCHEDULE_` and its name in capitals."""
    return "SCHEDULE_" + re.sub(r"[^A-Z0-9]+", "_", task.upper())


def load_schedule(
    task: str, default: str | None = None, environ: Mapping[str, str] | None = None
) -> str:
    """Return the cron expression, five fields, that a task's variable or its default gives.

    Raises SettingError if the variable cannot be used.
    """
    source = os.environ if environ is None else environ
    variable = schedule_variable(task)
    text = source.get(variable) or default or SCHEDULE_DEFAULTS[task]
    try:
        return parse_schedule(text)
    except ValueError as error:
        raise SettingError(
            f"{variable}={text!r} cannot be used ({error}): allowed is {_CRON}."
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings(SettingsGroup):
    """Where the inventory and the snapshots are, and how long a statement may take."""

    url: Secret | None = _setting(
        "DATABASE_URL",
        None,
        values.url("postgres", "postgresql", "postgresql+psycopg"),
        "a URL such as postgresql://user:password@host:5432/database",
        secret=True,
    )
    source_schema: str = _setting(
        "SOURCE_SCHEMA", "public", values.identifier, "the name of a schema, 1 to 63 bytes"
    )
    analytics_schema: str = _setting(
        "ANALYTICS_SCHEMA", "public", values.identifier, "the name of a schema, 1 to 63 bytes"
    )
    task_timeout_seconds: int = _setting(
        "TASK_TIMEOUT_SECONDS", "300", values.whole_number(1, 86_400), "a whole number, 1 to 86400"
    )
    lock_timeout_seconds: int = _setting(
        "DATABASE_LOCK_TIMEOUT_SECONDS",
        "10",
        values.whole_number(1, 3_600),
        "a whole number, 1 to 3600",
    )

    def limited(self, seconds: int) -> Self:
        """Return settings under which no statement runs longer than so many seconds."""
        return replace(self, task_timeout_seconds=min(self.task_timeout_seconds, seconds))


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotSettings(SettingsGroup):
    """How snapshots are computed."""

    batch_size: int = _setting(
        "SNAPSHOT_BATCH_SIZE",
        "1000",
        values.whole_number(1, 100_000),
        "a whole number, 1 to 100000",
    )
    catchup_days: int = _setting(
        "SNAPSHOT_CATCHUP_DAYS", "31", values.whole_number(0, 366), "a whole number, 0 to 366"
    )
    lookback_days: int = _setting(
        "SNAPSHOT_LOOKBACK_DAYS", "7", values.whole_number(0, 366), "a whole number, 0 to 366"
    )
    shard_locations: int = _setting(
        "SNAPSHOT_SHARD_LOCATIONS",
        "5000",
        values.whole_number(1, 10_000_000),
        "a whole number, 1 to 10000000",
    )
    max_shards: int = _setting(
        "SNAPSHOT_MAX_SHARDS", "16", values.whole_number(1, 256), "a whole number, 1 to 256"
    )
    parallel_shards: int = _setting(
        "SNAPSHOT_PARALLEL_SHARDS", "4", values.whole_number(1, 256), "a whole number, 1 to 256"
    )
    cogs_includes_waste: bool = _setting(
        "COGS_INCLUDES_WASTE", "true", values.boolean, "true or false"
    )


_AGE = "a number with days, weeks, months or years (90 days), or forever"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionSettings(SettingsGroup):
    """How long snapshots are kept; None is forever."""

    daily: Age | None = _setting("RETENTION_DAILY", "90 days", values.age, _AGE)
    weekly: Age | None = _setting("RETENTION_WEEKLY", "2 years", values.age, _AGE)
    monthly: Age | None = _setting("RETENTION_MONTHLY", "5 years", values.age, _AGE)

    def age_of(self, period_type: PeriodType) -> Age | None:
        """Return how long rows of a period are kept; None is forever."""
        return {"daily": self.daily, "weekly": self.weekly, "monthly": self.monthly}[
            period_type.value
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSettings(SettingsGroup):
    """The analytics cache in Redis."""

    url: Secret | None = _setting(
        "REDIS_URL",
        None,
        values.url("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel"),
        "a URL such as redis://:password@host:6379/0",
        secret=True,
    )
    patterns: tuple[str, ...] = _setting(
        "CACHE_PATTERNS",
        "analytics:*",
        values.patterns,
        "one or more Redis patterns, comma-separated, none of them for every key",
    )
    max_idle_seconds: int = _setting(
        "CACHE_MAX_IDLE_SECONDS",
        "86400",
        values.whole_number(60, 16_000_000),  # Redis counts idle time up to 194 days
        "a whole number, 60 to 16000000",
    )
    snapshot_ttl_seconds: int = _setting(
        "CACHE_SNAPSHOT_TTL_SECONDS",
        "172800",
        values.whole_number(60, 31_536_000),
        "a whole number, 60 to 31536000",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings(SettingsGroup):
    """Who may use the endpoints."""

    admin_roles: tuple[str, ...] = _setting(
        "SCHEDULER_ADMIN_ROLES", "Admin", values.words, "role names, comma-separated"
    )
    admin_users: tuple[str, ...] = _setting(
        "SCHEDULER_ADMIN_USERS",
        "",
        values.words,
        "user ids, comma-separated, for an auth manager without roles that are known here",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings(SettingsGroup):
    """Where alerts are sent, signed; without a URL there are none."""

    url: Secret | None = _setting(
        "SCHEDULER_WEBHOOK_URL",
        None,
        values.webhook_url,
        "a URL such as https://alerts.example.com/hooks/inventory, without user or password",
        secret=True,
    )
    signing_secret: Secret | None = _setting(
        "SCHEDULER_WEBHOOK_SECRET",
        None,
        values.signing_secret,
        "16 characters or more, known to the receiver; needed with SCHEDULER_WEBHOOK_URL",
        secret=True,
    )
    events: frozenset[AlertEvent] = _setting(
        "SCHEDULER_WEBHOOK_EVENTS",
        ",".join(AlertEvent.stored()),
        values.alert_events,
        f"some of {', '.join(AlertEvent.stored())}, comma-separated",
    )
    allow_private: bool = _setting(
        "SCHEDULER_WEBHOOK_ALLOW_PRIVATE", "false", values.boolean, "true or false"
    )

    def __post_init__(self) -> None:
        if self.url is not None and self.signing_secret is None:
            raise SettingError(
                "SCHEDULER_WEBHOOK_URL is set and SCHEDULER_WEBHOOK_SECRET is not: allowed are "
                "16 characters or more. Every alert is signed with it."
            )


def load_alert_settings() -> AlertSettings:
    """Return the alert settings; log an invalid one, and return settings that send nothing.

    This is for runs, which never fail because of their alerts.
    """
    try:
        return AlertSettings.load()
    except SettingError as error:
        _LOGGER.warning("event=alerts_not_sent reason=%r", str(error))
        return AlertSettings.load({})
