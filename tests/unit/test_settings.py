"""Settings: what each variable takes, and what the message says where it takes it not."""

from __future__ import annotations

import logging
from dataclasses import FrozenInstanceError, fields
from zoneinfo import ZoneInfo

import pytest

from analytics_scheduler import settings as settings_module
from analytics_scheduler.errors import SettingError
from analytics_scheduler.redaction import Secret
from analytics_scheduler.setting_parsers import Age
from analytics_scheduler.settings import (
    SCHEDULE_DEFAULTS,
    CacheSettings,
    CalendarSettings,
    DatabaseSettings,
    RetentionSettings,
    ScheduleSettings,
    SettingsGroup,
    SnapshotSettings,
    load_schedule,
    schedule_variable,
)
from analytics_scheduler.vocabulary import PeriodType


def groups() -> list[type[SettingsGroup]]:
    return [
        value
        for value in vars(settings_module).values()
        if isinstance(value, type)
        and issubclass(value, SettingsGroup)
        and value is not SettingsGroup
    ]


def group_of(variable: str) -> type[SettingsGroup]:
    return next(
        group
        for group in groups()
        if variable in {entry.metadata["variable"] for entry in fields(group)}
    )


@pytest.mark.parametrize("group", groups())
def test_every_default_is_allowed(group: type[SettingsGroup]) -> None:
    group.load({})


@pytest.mark.parametrize("group", groups())
def test_an_empty_variable_stands_for_its_default(group: type[SettingsGroup]) -> None:
    empty = {entry.metadata["variable"]: "" for entry in fields(group)}
    assert group.load(empty) == group.load({})


@pytest.mark.parametrize("group", groups())
def test_a_group_cannot_be_changed(group: type[SettingsGroup]) -> None:
    loaded = group.load({})
    with pytest.raises(FrozenInstanceError):
        setattr(loaded, fields(group)[0].name, "another")


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("SCHEDULER_ENABLED", "maybe", "true or false"),
        ("SCHEDULER_ENABLED", "2", "true or false"),
        ("SCHEDULER_TIMEZONE", "Mars/Phobos", "IANA"),
        ("SCHEDULER_TIMEZONE", "../../etc/passwd", "IANA"),
        ("SCHEDULER_TIMEZONE", "America", "IANA"),
        ("SCHEDULER_TIMEZONE", "+02:00", "IANA"),
        ("SCHEDULER_WEEK_START", "sun", "monday to sunday"),
        ("SCHEDULER_WEEK_START", "0", "monday to sunday"),
        ("SOURCE_SCHEMA", "x" * 64, "1 to 63 bytes"),
        ("SOURCE_SCHEMA", "ü" * 32, "1 to 63 bytes"),
        ("ANALYTICS_SCHEMA", "a\0b", "1 to 63 bytes"),
        ("TASK_TIMEOUT_SECONDS", "0", "1 to 86400"),
        ("TASK_TIMEOUT_SECONDS", "86401", "1 to 86400"),
        ("TASK_TIMEOUT_SECONDS", "5 minutes", "1 to 86400"),
        ("TASK_TIMEOUT_SECONDS", "-5", "1 to 86400"),
        ("TASK_TIMEOUT_SECONDS", "1e2", "1 to 86400"),
        ("TASK_TIMEOUT_SECONDS", "\u0665", "1 to 86400"),
        ("TASK_TIMEOUT_SECONDS", "9" * 30, "1 to 86400"),
        ("DATABASE_LOCK_TIMEOUT_SECONDS", "0", "1 to 3600"),
        ("SNAPSHOT_BATCH_SIZE", "0", "1 to 100000"),
        ("SNAPSHOT_BATCH_SIZE", "100001", "1 to 100000"),
        ("SNAPSHOT_BATCH_SIZE", "2.5", "1 to 100000"),
        ("SNAPSHOT_CATCHUP_DAYS", "367", "0 to 366"),
        ("SNAPSHOT_LOOKBACK_DAYS", "367", "0 to 366"),
        ("COGS_INCLUDES_WASTE", "no waste", "true or false"),
        ("RETENTION_DAILY", "0 days", "forever"),
        ("RETENTION_DAILY", "-90", "forever"),
        ("RETENTION_DAILY", "never", "forever"),
        ("RETENTION_WEEKLY", "2 fortnights", "forever"),
        ("RETENTION_MONTHLY", "1.5 years", "forever"),
        ("RETENTION_MONTHLY", "100001 days", "forever"),
        ("CACHE_PATTERNS", " , ,", "comma-separated"),
        ("CACHE_PATTERNS", "analytics:*,*", "none of them for every key"),
        ("CACHE_MAX_IDLE_SECONDS", "59", "60 to 16000000"),
        ("CACHE_SNAPSHOT_TTL_SECONDS", "forever", "60 to 31536000"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(variable: str, value: str, allowed: str) -> None:
    with pytest.raises(SettingError) as refusal:
        group_of(variable).load({variable: value})
    message = str(refusal.value)
    assert f"{variable}={value!r} cannot be used" in message
    assert "allowed is" in message
    assert allowed in message


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", "mysql://shop:s3cret@db/inventory"),
        ("DATABASE_URL", "host=db user=shop password=s3cret"),
        ("REDIS_URL", "http://:s3cret@cache"),
    ],
)
def test_a_refused_secret_is_not_shown(variable: str, value: str) -> None:
    with pytest.raises(SettingError) as refusal:
        group_of(variable).load({variable: value})
    assert f"{variable}=*** cannot be used" in str(refusal.value)
    assert "s3cret" not in str(refusal.value)
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


def test_a_secret_never_shows_itself() -> None:
    database = DatabaseSettings.load({"DATABASE_URL": "postgresql://shop:s3cret@db/inventory"})
    assert database.url == Secret("postgresql://shop:s3cret@db/inventory")
    assert "s3cret" not in f"{database} {database!r} {database.url!s} {database.url!r}"
    quoted = logging.makeLogRecord({"msg": "%s %r", "args": (database.url, database.url)})
    assert "s3cret" not in quoted.getMessage()
    assert database.url is not None
    assert database.url.reveal() == "postgresql://shop:s3cret@db/inventory"


def test_every_bad_value_of_a_group_is_named_at_once() -> None:
    with pytest.raises(SettingError) as refusal:
        SnapshotSettings.load({"SNAPSHOT_BATCH_SIZE": "many", "SNAPSHOT_CATCHUP_DAYS": "all"})
    assert "SNAPSHOT_BATCH_SIZE='many'" in str(refusal.value)
    assert "SNAPSHOT_CATCHUP_DAYS='all'" in str(refusal.value)


def test_a_bad_value_stops_only_its_own_group() -> None:
    environment = {"RETENTION_DAILY": "whenever", "SCHEDULER_TIMEZONE": "Europe/Berlin"}
    with pytest.raises(SettingError, match="RETENTION_DAILY"):
        RetentionSettings.load(environment)
    for group in set(groups()) - {RetentionSettings}:
        group.load(environment)
    assert ScheduleSettings.load(environment).timezone == ZoneInfo("Europe/Berlin")


def test_words_are_read_whatever_their_case_and_blanks() -> None:
    settings = CalendarSettings.load(
        {"SCHEDULER_TIMEZONE": " Asia/Kolkata ", "SCHEDULER_WEEK_START": " Monday "}
    )
    assert settings.calendar().timezone == ZoneInfo("Asia/Kolkata")
    assert settings.calendar().week_start == 0
    assert ScheduleSettings.load({"SCHEDULER_ENABLED": "FALSE"}).enabled is False
    assert ScheduleSettings.load({"SCHEDULER_ENABLED": " yes "}).enabled is True


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("90 days", Age(90, "day")),
        ("90", Age(90, "day")),
        ("1 day", Age(1, "day")),
        ("2 YEARS", Age(2, "year")),
        ("5years", Age(5, "year")),
        ("18 months", Age(18, "month")),
        ("4 weeks", Age(4, "week")),
        ("forever", None),
        ("Forever", None),
    ],
)
def test_an_age_is_a_number_of_calendar_units(text: str, age: Age | None) -> None:
    assert RetentionSettings.load({"RETENTION_DAILY": text}).age_of(PeriodType.DAILY) == age


def test_an_age_reads_as_it_is_written() -> None:
    assert (str(Age(1, "day")), str(Age(90, "day"))) == ("1 day", "90 days")


def test_the_documented_defaults_stand() -> None:
    retention = RetentionSettings.load({})
    assert retention.daily == Age(90, "day")
    assert retention.weekly == Age(2, "year")
    assert retention.monthly == Age(5, "year")
    assert CacheSettings.load({}).patterns == ("analytics:*",)
    assert DatabaseSettings.load({}).task_timeout_seconds == 300
    assert CalendarSettings.load({}).calendar().week_start == 6
    assert ScheduleSettings.load({}).enabled is True


def test_the_environment_is_read_where_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPSHOT_BATCH_SIZE", "7")
    assert SnapshotSettings.load().batch_size == 7


def test_every_task_has_a_variable_of_its_own() -> None:
    assert schedule_variable("daily-snapshot") == "SCHEDULE_DAILY_SNAPSHOT"
    assert schedule_variable("my task.2") == "SCHEDULE_MY_TASK_2"
    assert len({schedule_variable(task) for task in SCHEDULE_DEFAULTS}) == len(SCHEDULE_DEFAULTS)


def test_a_schedule_comes_from_its_variable_or_its_default() -> None:
    node_cron = {"SCHEDULE_DAILY_SNAPSHOT": "0 30 1 * * *"}
    assert str(load_schedule("daily-snapshot", environ=node_cron)) == "30 1 * * *"
    assert str(load_schedule("daily-snapshot", environ={})) == "0 2 * * *"
    assert str(load_schedule("weekly-snapshot", environ={})) == "0 3 * * 0"
    assert str(load_schedule("monthly-snapshot", environ={})) == "0 4 1 * *"
    assert str(load_schedule("cache-cleanup", environ={})) == "0 * * * *"
    assert str(load_schedule("my-task", "5 5 * * *", environ={})) == "5 5 * * *"


def test_a_bad_schedule_is_named_and_stops_no_other() -> None:
    environment = {"SCHEDULE_DAILY_SNAPSHOT": "15 0 2 * * *"}
    with pytest.raises(SettingError) as refusal:
        load_schedule("daily-snapshot", environ=environment)
    assert "SCHEDULE_DAILY_SNAPSHOT='15 0 2 * * *' cannot be used" in str(refusal.value)
    assert "seconds field is '15'" in str(refusal.value)
    assert "allowed is a cron string of five fields" in str(refusal.value)
    assert load_schedule("weekly-snapshot", environ=environment)
