"""Valid values of every setting, and the error for invalid ones."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, fields
from zoneinfo import ZoneInfo

import pytest
from tests.support.settings import declared_settings

from analytics_scheduler import settings as settings_module
from analytics_scheduler.errors import SettingError
from analytics_scheduler.redaction import Secret
from analytics_scheduler.setting_groups import Setting, SettingsGroup, settings_of
from analytics_scheduler.setting_parsers import Age, whole_number
from analytics_scheduler.settings import (
    SCHEDULE_DEFAULTS,
    AlertSettings,
    CacheSettings,
    CalendarSettings,
    DatabaseSettings,
    RetentionSettings,
    ScheduleSettings,
    SnapshotSettings,
    load_schedule,
    retired_warnings,
    schedule_variable,
)

AGES = "1 to 100000 days, weeks, months or years, such as 90 days, or forever"
GROUPS = [
    value
    for value in vars(settings_module).values()
    if isinstance(value, type) and issubclass(value, SettingsGroup) and value is not SettingsGroup
]


def group_of(variable: str) -> type[SettingsGroup]:
    return next(
        group
        for group in GROUPS
        if variable in {setting.variable for setting in settings_of(group).values()}
    )


def error_of(variable: str, value: str) -> SettingError:
    with pytest.raises(SettingError) as caught:
        group_of(variable).load({variable: value})
    return caught.value


@pytest.mark.parametrize("setting", declared_settings(), ids=lambda each: each.variable)
def test_every_setting_says_what_it_is_for(setting: Setting[object]) -> None:
    assert setting.help
    assert not setting.help.endswith(".")
    assert setting.parser.allowed


def test_every_variable_is_declared_once() -> None:
    """A variable that two groups use is one Setting, and not two that happen to agree."""
    in_groups = [setting for group in GROUPS for setting in settings_of(group).values()]
    assert len({id(each) for each in in_groups}) == len({each.variable for each in in_groups})
    variables = [each.variable for each in declared_settings()]
    assert len(variables) == len(set(variables))
    assert {each.variable for each in in_groups} < set(variables)


@pytest.mark.parametrize("group", GROUPS)
def test_every_default_is_allowed(group: type[SettingsGroup]) -> None:
    group.load({})


@pytest.mark.parametrize("group", GROUPS)
def test_an_empty_variable_means_the_default(group: type[SettingsGroup]) -> None:
    empty = {setting.variable: "" for setting in settings_of(group).values()}
    assert group.load(empty) == group.load({})


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_cannot_be_changed(group: type[SettingsGroup]) -> None:
    loaded = group.load({})
    with pytest.raises(FrozenInstanceError):
        setattr(loaded, fields(group)[0].name, "another")


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("SCHEDULER_ENABLED", "maybe", "true or false"),
        ("SCHEDULER_ENABLED", "2", "true or false"),
        ("SCHEDULER_TIMEZONE", "Mars/Phobos", "an IANA time zone name"),
        ("SCHEDULER_TIMEZONE", "../../etc/passwd", "an IANA time zone name"),
        ("SCHEDULER_TIMEZONE", "America", "an IANA time zone name"),
        ("SCHEDULER_TIMEZONE", "+02:00", "an IANA time zone name"),
        ("SCHEDULER_WEEK_START", "sun", "a weekday in English, monday to sunday"),
        ("SCHEDULER_WEEK_START", "0", "a weekday in English, monday to sunday"),
        ("SOURCE_SCHEMA", "x" * 64, "a name of 1 to 63 bytes"),
        ("SOURCE_SCHEMA", "ü" * 32, "a name of 1 to 63 bytes"),
        ("ANALYTICS_SCHEMA", "a\0b", "a name of 1 to 63 bytes"),
        ("TASK_TIMEOUT_SECONDS", "0", "a whole number from 1 to 86400"),
        ("TASK_TIMEOUT_SECONDS", "86401", "a whole number from 1 to 86400"),
        ("TASK_TIMEOUT_SECONDS", "5 minutes", "a whole number from 1 to 86400"),
        ("TASK_TIMEOUT_SECONDS", "-5", "a whole number from 1 to 86400"),
        ("TASK_TIMEOUT_SECONDS", "1e2", "a whole number from 1 to 86400"),
        ("TASK_TIMEOUT_SECONDS", "\u0665", "a whole number from 1 to 86400"),
        ("TASK_TIMEOUT_SECONDS", "9" * 30, "a whole number from 1 to 86400"),
        ("DATABASE_LOCK_TIMEOUT_SECONDS", "0", "a whole number from 1 to 3600"),
        ("SNAPSHOT_BATCH_SIZE", "0", "a whole number from 1 to 100000"),
        ("SNAPSHOT_BATCH_SIZE", "100001", "a whole number from 1 to 100000"),
        ("SNAPSHOT_BATCH_SIZE", "2.5", "a whole number from 1 to 100000"),
        ("SNAPSHOT_CATCHUP_DAYS", "367", "a whole number from 0 to 366"),
        ("SNAPSHOT_LOOKBACK_DAYS", "367", "a whole number from 0 to 366"),
        ("COGS_INCLUDES_WASTE", "no waste", "true or false"),
        ("RETENTION_DAILY", "0 days", AGES),
        ("RETENTION_DAILY", "-90", AGES),
        ("RETENTION_DAILY", "never", AGES),
        ("RETENTION_WEEKLY", "2 fortnights", AGES),
        ("RETENTION_MONTHLY", "1.5 years", AGES),
        ("RETENTION_MONTHLY", "100001 days", AGES),
        ("CACHE_PATTERNS", " , ,", "one or more Redis patterns"),
        ("CACHE_PATTERNS", "analytics:*,*", "one or more Redis patterns"),
        ("CACHE_MAX_IDLE_SECONDS", "59", "a whole number from 60 to 16000000"),
        ("SCHEDULER_WEBHOOK_EVENTS", "failure,everything", "one or more of success, failure, "),
        ("SCHEDULER_WEBHOOK_EVENTS", ",", "one or more of success, failure, "),
        ("SCHEDULER_WEBHOOK_ALLOW_PRIVATE", "perhaps", "true or false"),
        ("CACHE_SNAPSHOT_TTL_SECONDS", "forever", "a whole number from 60 to 31536000"),
    ],
)
def test_a_bad_value_is_named(variable: str, value: str, allowed: str) -> None:
    message = str(error_of(variable, value))
    assert message.startswith(f"{variable} (")
    assert f") must be {allowed}" in message
    assert message.endswith(f", got {value!r}.")


def test_an_error_says_what_the_setting_is_for() -> None:
    assert str(error_of("TASK_TIMEOUT_SECONDS", "0")) == (
        "TASK_TIMEOUT_SECONDS (how many seconds a run or another task may take) must "
        "be a whole number from 1 to 86400, got '0'."
    )


def test_a_parser_states_its_bounds() -> None:
    assert whole_number(3, 7).allowed == "a whole number from 3 to 7"
    assert [whole_number(3, 7).parse(text) for text in ("3", " 7 ")] == [3, 7]


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", "mysql://shop:s3cret@db/inventory"),
        ("DATABASE_URL", "host=db user=shop password=s3cret"),
        ("REDIS_URL", "http://:s3cret@cache"),
        ("SCHEDULER_WEBHOOK_URL", "https://alerts.example:s3cret/"),
        ("SCHEDULER_WEBHOOK_SECRET", "s3cret"),
    ],
)
def test_a_bad_secret_is_not_shown(variable: str, value: str) -> None:
    error = error_of(variable, value)
    assert str(error).endswith(", got ***.")
    assert "s3cret" not in str(error)
    assert error.__suppress_context__ or error.__context__ is None


def test_a_webhook_needs_a_secret() -> None:
    with pytest.raises(SettingError) as caught:
        AlertSettings.load({"SCHEDULER_WEBHOOK_URL": "https://alerts.example/s3cret"})
    assert str(caught.value) == (
        "SCHEDULER_WEBHOOK_SECRET (the secret that signs every alert; required with "
        "SCHEDULER_WEBHOOK_URL) must be a text of at least 16 characters, got nothing."
    )


def test_a_secret_never_shows_itself() -> None:
    database = DatabaseSettings.load({"DATABASE_URL": "postgresql://shop:s3cret@db/inventory"})
    assert database.url == Secret("postgresql://shop:s3cret@db/inventory")
    assert "s3cret" not in f"{database} {database!r} {database.url!s} {database.url!r}"
    quoted = logging.makeLogRecord({"msg": "%s %r", "args": (database.url, database.url)})
    assert "s3cret" not in quoted.getMessage()
    assert database.url is not None
    assert database.url.reveal() == "postgresql://shop:s3cret@db/inventory"


def test_every_bad_value_of_a_group_is_named() -> None:
    with pytest.raises(SettingError) as caught:
        SnapshotSettings.load({"SNAPSHOT_BATCH_SIZE": "many", "SNAPSHOT_CATCHUP_DAYS": "all"})
    first, second = str(caught.value).split(". ")
    assert first.startswith("SNAPSHOT_BATCH_SIZE (")
    assert first.endswith("got 'many'")
    assert second.startswith("SNAPSHOT_CATCHUP_DAYS (")
    assert second.endswith("got 'all'.")


def test_a_bad_value_stops_only_its_own_group() -> None:
    environment = {"RETENTION_DAILY": "whenever", "SCHEDULER_TIMEZONE": "Europe/Berlin"}
    with pytest.raises(SettingError, match="RETENTION_DAILY"):
        RetentionSettings.load(environment)
    for group in set(GROUPS) - {RetentionSettings}:
        group.load(environment)
    assert ScheduleSettings.load(environment).timezone == ZoneInfo("Europe/Berlin")


def test_case_and_blanks_do_not_matter() -> None:
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
    assert RetentionSettings.load({"RETENTION_DAILY": text}).daily == age


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


def test_the_environment_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPSHOT_BATCH_SIZE", "7")
    assert SnapshotSettings.load().batch_size == 7


def test_every_task_has_a_variable_of_its_own() -> None:
    assert schedule_variable("daily-snapshot") == "SCHEDULE_DAILY_SNAPSHOT"
    assert schedule_variable("my task.2") == "SCHEDULE_MY_TASK_2"
    assert len({schedule_variable(task) for task in SCHEDULE_DEFAULTS}) == len(SCHEDULE_DEFAULTS)


def test_a_schedule_has_a_variable_and_a_default() -> None:
    node_cron = {"SCHEDULE_DAILY_SNAPSHOT": "0 30 1 * * *"}
    assert str(load_schedule("daily-snapshot", environ=node_cron)) == "30 1 * * *"
    assert str(load_schedule("daily-snapshot", environ={})) == "0 2 * * *"
    assert str(load_schedule("weekly-snapshot", environ={})) == "0 3 * * 0"
    assert str(load_schedule("monthly-snapshot", environ={})) == "0 4 1 * *"
    assert str(load_schedule("cache-cleanup", environ={})) == "0 * * * *"
    assert str(load_schedule("my-task", "5 5 * * *", environ={})) == "5 5 * * *"


def test_a_bad_schedule_stops_no_other() -> None:
    environment = {"SCHEDULE_DAILY_SNAPSHOT": "15 0 2 * * *"}
    with pytest.raises(SettingError) as caught:
        load_schedule("daily-snapshot", environ=environment)
    message = str(caught.value)
    assert message.startswith("SCHEDULE_DAILY_SNAPSHOT (when daily-snapshot runs) must be a cron")
    assert ", got '15 0 2 * * *': " in message
    assert "seconds field is '15'" in message
    assert load_schedule("weekly-snapshot", environ=environment)


@pytest.fixture
def retired(monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """Retire a variable that never was."""
    scratch = {"SNAPSHOT_SPEED": "set SNAPSHOT_BATCH_SIZE instead"}
    monkeypatch.setattr(settings_module, "RETIRED", scratch)
    return scratch


def test_a_retired_variable_gives_a_warning(retired: Mapping[str, str]) -> None:
    assert retired_warnings({"SNAPSHOT_SPEED": "fast"}) == [
        "SNAPSHOT_SPEED is set but no longer read: set SNAPSHOT_BATCH_SIZE instead."
    ]


@pytest.mark.parametrize("environ", [{}, {"SNAPSHOT_SPEED": ""}, {"SNAPSHOT_BATCH_SIZE": "7"}])
def test_nothing_retired_gives_no_warning(
    retired: Mapping[str, str], environ: dict[str, str]
) -> None:
    assert retired_warnings(environ) == []


def test_no_retired_variable_is_still_declared() -> None:
    assert not {each.variable for each in declared_settings()} & set(settings_module.RETIRED)
