"""Every setting of the package: its variable, its default, what is allowed, and what it is for.

Settings are read in groups, one frozen dataclass each; domain code takes a group as an argument,
and only commands, DAG tasks and endpoints load one. A test compares README's table with this file.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self
from zoneinfo import ZoneInfo

from analytics_scheduler import setting_parsers as parsers
from analytics_scheduler.cron import CronClock
from analytics_scheduler.errors import SettingError
from analytics_scheduler.periods import Calendar
from analytics_scheduler.redaction import Secret
from analytics_scheduler.setting_groups import (
    Setting,
    SettingsGroup,
    environment,
    setting,
)
from analytics_scheduler.setting_parsers import Age
from analytics_scheduler.vocabulary import AlertEvent

_LOGGER = logging.getLogger(__name__)
TIMEZONE = Setting(
    "SCHEDULER_TIMEZONE",
    "UTC",
    parsers.timezone,
    "the time zone in which days begin and schedules are read",
)
WEBHOOK_SECRET: Setting[Secret | None] = Setting(
    "SCHEDULER_WEBHOOK_SECRET",
    None,
    parsers.signing_secret,
    "the secret that signs every alert; required with SCHEDULER_WEBHOOK_URL",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarSettings(SettingsGroup):
    """When a day begins, and on which weekday a week starts."""

    timezone: ZoneInfo = TIMEZONE.field()
    week_start: int = setting(
        "SCHEDULER_WEEK_START", "sunday", parsers.weekday, "the first day of a week"
    )

    def calendar(self) -> Calendar:
        """Return the calendar that these settings describe."""
        return Calendar(self.timezone, self.week_start)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleSettings(SettingsGroup):
    """Whether the tasks run on their schedules, and in which time zone."""

    enabled: bool = setting(
        "SCHEDULER_ENABLED", "true", parsers.boolean, "whether the tasks run on their schedules"
    )
    timezone: ZoneInfo = TIMEZONE.field()

    def clock(self, expression: str) -> CronClock | None:
        """Return the clock of a cron expression, or None while SCHEDULER_ENABLED is false."""
        return CronClock(expression, self.timezone) if self.enabled else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings(SettingsGroup):
    """Where the inventory and the snapshots are, and how long a statement may take."""

    url: Secret | None = setting(
        "DATABASE_URL",
        None,
        parsers.postgres_url,
        "the database of the inventory, unless there is an Airflow connection analytics_db",
    )
    source_schema: str = setting(
        "SOURCE_SCHEMA", "public", parsers.identifier, "the schema of the inventory tables"
    )
    analytics_schema: str = setting(
        "ANALYTICS_SCHEMA", "public", parsers.identifier, "the schema of the package's own tables"
    )
    task_timeout_seconds: int = setting(
        "TASK_TIMEOUT_SECONDS",
        "300",
        parsers.whole_number(1, 86_400),
        "how many seconds a run or another task may take",
    )
    lock_timeout_seconds: int = setting(
        "DATABASE_LOCK_TIMEOUT_SECONDS",
        "10",
        parsers.whole_number(1, 3_600),
        "how many seconds to wait for a lock that another session holds",
    )

    def limited(self, seconds: int) -> Self:
        """Return the same settings with a statement limit of at most `seconds`."""
        return replace(self, task_timeout_seconds=min(self.task_timeout_seconds, seconds))


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotSettings(SettingsGroup):
    """How snapshots are computed."""

    batch_size: int = setting(
        "SNAPSHOT_BATCH_SIZE",
        "1000",
        parsers.whole_number(1, 100_000),
        "how many locations are written in one transaction",
    )
    catchup_days: int = setting(
        "SNAPSHOT_CATCHUP_DAYS",
        "31",
        parsers.whole_number(0, 366),
        "how many days back a daily run fills in missing days",
    )
    lookback_days: int = setting(
        "SNAPSHOT_LOOKBACK_DAYS",
        "7",
        parsers.whole_number(0, 366),
        "how many days back a daily run repairs days whose movements changed",
    )
    shards: int = setting(
        "SNAPSHOT_SHARDS",
        "1",
        parsers.whole_number(1, 256),
        "how many Airflow tasks write the locations of a run side by side",
    )
    jobs: int = setting(
        "SNAPSHOT_JOBS",
        "1",
        parsers.whole_number(1, 64),
        "over how many database connections a task or command writes at the same time",
    )
    cogs_includes_waste: bool = setting(
        "COGS_INCLUDES_WASTE", "true", parsers.boolean, "whether cost of goods sold includes waste"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionSettings(SettingsGroup):
    """How long snapshots are kept; None is forever."""

    daily: Age | None = setting(
        "RETENTION_DAILY", "90 days", parsers.age, "how long daily snapshots are kept"
    )
    weekly: Age | None = setting(
        "RETENTION_WEEKLY", "2 years", parsers.age, "how long weekly snapshots are kept"
    )
    monthly: Age | None = setting(
        "RETENTION_MONTHLY", "5 years", parsers.age, "how long monthly snapshots are kept"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheSettings(SettingsGroup):
    """The analytics cache in Redis."""

    url: Secret | None = setting(
        "REDIS_URL",
        None,
        parsers.redis_url,
        "the Redis database of the cache, unless there is an Airflow connection analytics_cache",
    )
    patterns: tuple[str, ...] = setting(
        "CACHE_PATTERNS", "analytics:*", parsers.patterns, "the keys that a cleanup may remove"
    )
    max_idle_seconds: int = setting(
        "CACHE_MAX_IDLE_SECONDS",
        "86400",
        parsers.whole_number(60, 16_000_000),  # Redis counts idle time up to 194 days.
        "after how many idle seconds a key without a TTL is removed",
    )
    snapshot_ttl_seconds: int = setting(
        "CACHE_SNAPSHOT_TTL_SECONDS",
        "172800",
        parsers.whole_number(60, 31_536_000),
        "how many seconds daily figures stay in the cache; weekly ones stay 7 times as long, "
        "monthly ones 31 times",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSettings(SettingsGroup):
    """Who may use the endpoints."""

    admin_roles: tuple[str, ...] = setting(
        "SCHEDULER_ADMIN_ROLES",
        "Admin",
        parsers.comma_separated("role names"),
        "the roles of the FAB auth manager that may use the endpoints",
    )
    admin_users: tuple[str, ...] = setting(
        "SCHEDULER_ADMIN_USERS",
        "",
        parsers.comma_separated("user ids"),
        "the users who may use the endpoints under an auth manager other than FAB and simple",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings(SettingsGroup):
    """Where alerts are sent, and which."""

    url: Secret | None = setting(
        "SCHEDULER_WEBHOOK_URL",
        None,
        parsers.webhook_url,
        "where alerts are sent; without it there are none",
    )
    signing_secret: Secret | None = WEBHOOK_SECRET.field()
    events: frozenset[AlertEvent] = setting(
        "SCHEDULER_WEBHOOK_EVENTS",
        ",".join(AlertEvent.stored()),
        parsers.alert_events,
        "the events that are sent as alerts",
    )
    allow_private: bool = setting(
        "SCHEDULER_WEBHOOK_ALLOW_PRIVATE",
        "false",
        parsers.boolean,
        "whether SCHEDULER_WEBHOOK_URL may lead to a private or loopback address",
    )

    def __post_init__(self) -> None:
        if self.url is not None and self.signing_secret is None:
            raise WEBHOOK_SECRET.refused("nothing")


def load_alert_settings() -> AlertSettings:
    """Return the alert settings; log an invalid one, and return settings that send nothing.

    This is for runs, which never fail because of their alerts.
    """
    try:
        return AlertSettings.load()
    except SettingError as error:
        _LOGGER.warning("event=alerts_not_sent reason=%r", str(error))
        return AlertSettings.load({})


SCHEDULE_DEFAULTS: Mapping[str, str] = {
    "daily-snapshot": "0 2 * * *",
    "weekly-snapshot": "0 3 * * 0",
    "monthly-snapshot": "0 4 1 * *",
    "cache-cleanup": "0 * * * *",
    "snapshot-retention": "30 5 * * *",
}


def schedule_variable(task: str) -> str:
    """Return the variable of a task's schedule: `SCHEDULE_` and its name in capitals."""
    return "SCHEDULE_" + re.sub(r"[^A-Z0-9]+", "_", task.upper())


def schedule_setting(task: str, default: str | None = None) -> Setting[str]:
    """Return the setting of a task's schedule; a task of your own needs a default."""
    cron = default or SCHEDULE_DEFAULTS[task]
    return Setting(schedule_variable(task), cron, parsers.cron, f"when {task} runs")


def load_schedule(
    task: str, default: str | None = None, environ: Mapping[str, str] | None = None
) -> str:
    """Return the cron expression that the environment gives a task, or raise SettingError."""
    return schedule_setting(task, default).load(environ)


# Variables that are no longer read, and what to do instead, such as "set SNAPSHOT_SHARDS instead".
_INSTEAD_OF_SHARD_SETTINGS = (
    "one task writes all locations; to have several write side by side, set SNAPSHOT_SHARDS"
)
RETIRED: Mapping[str, str] = dict.fromkeys(
    ("SNAPSHOT_SHARD_LOCATIONS", "SNAPSHOT_MAX_SHARDS", "SNAPSHOT_PARALLEL_SHARDS"),
    _INSTEAD_OF_SHARD_SETTINGS,
)


def retired_warnings(environ: Mapping[str, str] | None = None) -> list[str]:
    """Return a sentence about each variable that is set but no longer read."""
    return [
        f"{variable} is set but no longer read: {instead}."
        for variable, instead in RETIRED.items()
        if environment(environ).get(variable)
    ]
