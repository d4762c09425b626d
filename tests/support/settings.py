"""All settings at once, for the tests that compare them with documents."""

from __future__ import annotations

from typing import Any

from analytics_scheduler.setting_groups import Setting, SettingsGroup, settings_of
from analytics_scheduler.settings import SCHEDULE_DEFAULTS, schedule_setting


def declared_settings() -> list[Setting[Any]]:
    """Return every setting once: those of the groups, then the schedules."""
    grouped = {
        declared.variable: declared
        for group in SettingsGroup.__subclasses__()
        for declared in settings_of(group).values()
    }
    return [*grouped.values(), *(schedule_setting(task) for task in SCHEDULE_DEFAULTS)]
